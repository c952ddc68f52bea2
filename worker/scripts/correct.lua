-- Keep a person's labels of images beside what was read: all of them, or none.
-- ARGV: NAME, then index, chunk and label ('' takes it back) of each image
-- Answers: 'missing', 'pending' (an image is not read), or 'corrected'
local name = ARGV[1]
local job = job_of(name)
if not job or is_over(job) then return 'missing' end
for i = 2, #ARGV, 3 do
  if redis.call('HEXISTS', key(name, 'out'), ARGV[i + 1]) == 0 then return 'pending' end
end
local corrections = key(name, 'corrections')
for i = 2, #ARGV, 3 do
  if ARGV[i + 2] == '' then
    redis.call('HDEL', corrections, ARGV[i])
  else
    redis.call('HSET', corrections, ARGV[i], ARGV[i + 2])
  end
end
redis.call('PEXPIREAT', corrections, job.expires + GRACE)
return 'corrected'
