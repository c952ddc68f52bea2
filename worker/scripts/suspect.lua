-- Note that an image of a chunk is about to be touched, in case it kills who touches it; the one
-- before it did no harm. ARGV: NAME, chunk, index, index before (-1: none)
-- Answers: how many died with this image in hand
local name, c = ARGV[1], ARGV[2]
local job = job_of(name)
if not job then return 0 end
local suspects = key(name, 'suspects:' .. c)
redis.call('HDEL', suspects, ARGV[4])
local touched = redis.call('HINCRBY', suspects, ARGV[3], 1)
redis.call('PEXPIREAT', suspects, job.expires + GRACE)
return touched - 1
