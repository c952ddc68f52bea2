-- Run commands that read what is stored of a job, all at one instant.
-- ARGV: NAME, when the job was created (ms); then the commands, each preceded by its number of words
-- Answers: what each command answers; nil if the job is gone, even if another has its name by now
if redis.call('HGET', key(ARGV[1]), 'created') ~= ARGV[2] then return nil end
local found, i = {}, 3
while i <= #ARGV do
  local last = i + ARGV[i]
  found[#found + 1], i = redis.call(unpack(ARGV, i + 1, last)), last + 1
end
return found
