-- What is stored of a job, all of it at one moment, if its name is not another's by now, or nobody's.
-- ARGV: NAME, when it was created (ms); then commands that read, each led by how many words it has
-- Answers: nil if the job is gone, else what each command answers
if redis.call('HGET', key(ARGV[1]), 'created') ~= ARGV[2] then return nil end
local found, i = {}, 3
while i <= #ARGV do
  local last = i + ARGV[i]
  found[#found + 1], i = redis.call(unpack(ARGV, i + 1, last)), last + 1
end
return found
