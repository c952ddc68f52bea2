-- Note that an image of a chunk, or a block of them, is about to be touched, in case it kills who touches
-- it; what was before it did no harm. ARGV: NAME, chunk, index or block, those before
-- Answers: how many died with this in hand
local name, c = ARGV[1], ARGV[2]
local job = job_of(name)
if not job then return 0 end
local suspects = key(name, 'suspects:' .. c)
if ARGV[4] then redis.call('HDEL', suspects, unpack(ARGV, 4)) end
local touched = redis.call('HINCRBY', suspects, ARGV[3], 1)
redis.call('PEXPIREAT', suspects, job.expires + GRACE)
return touched - 1
