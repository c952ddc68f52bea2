-- Note that an image of a chunk is about to be touched, in case it kills who touches it; the one
-- before it did no harm. Nothing is noted for a lease that is lost, nor twice for the same one.
-- ARGV: NAME, chunk, token, index, index before (-1: none)
-- Answers: how many died with this image in hand
local name, c, token, index = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('HGET', key(name, 'run'), 'l:' .. c) ~= token then return 0 end
local suspects = key(name, 'suspects:' .. c)
redis.call('HDEL', suspects, ARGV[5])
local touched, by = string.match(redis.call('HGET', suspects, index) or '', '^(%d+) by (%d+)$')
touched = tonumber(touched or 0)
if by == token then return touched - 1 end
redis.call('HSET', suspects, index, (touched + 1) .. ' by ' .. token)
redis.call('PEXPIREAT', suspects, job_of(name).expires + GRACE)
return touched
