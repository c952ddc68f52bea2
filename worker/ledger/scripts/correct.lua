-- Store a person's labels of images beside what was read; none of them if an image is not read yet.
-- ARGV: NAME, when the job was created (ms), '1' if an image that has a label is to keep it, then of
--   each image: index, chunk and label ('' takes it back)
-- Answers: 'missing' (even if another job has its name by now), 'pending' (an image is not read), or
--   index and label of each that kept another
local name, sparing = ARGV[1], ARGV[3] == '1'
local job = job_of(name)
if not job or is_over(job) or redis.call('HGET', key(name), 'created') ~= ARGV[2] then return 'missing' end
for i = 4, #ARGV, 3 do
  if redis.call('HEXISTS', key(name, 'out'), ARGV[i + 1]) == 0 then return 'pending' end
end
local corrections, kept = key(name, 'corrections'), {}
for i = 4, #ARGV, 3 do
  local label = sparing and redis.call('HGET', corrections, ARGV[i])
  if label and label ~= ARGV[i + 2] then   -- if equal, it may be this call's: its answer may be lost
    kept[#kept + 1] = ARGV[i]
    kept[#kept + 1] = label
  elseif ARGV[i + 2] == '' then
    redis.call('HDEL', corrections, ARGV[i])
  else
    redis.call('HSET', corrections, ARGV[i], ARGV[i + 2])
  end
end
redis.call('PEXPIREAT', corrections, job.expires + GRACE)
return kept
