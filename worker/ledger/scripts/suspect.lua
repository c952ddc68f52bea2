-- Note that an image or block of a chunk is about to be read, in case it kills the worker, and forget
-- those read before it, which did no harm. Nothing is noted for a lost lease, nor twice for one lease.
-- ARGV: NAME, chunk, token, image or block, those before it
-- Answers: how many workers died with this in hand
local name, c, token, what = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('HGET', key(name), 'l:' .. c) ~= token then return 0 end
local suspects = suspects_key(name, c)
if ARGV[5] then redis.call('HDEL', suspects, unpack(ARGV, 5)) end
local tokens = other_tokens(suspects, what, token)
redis.call('HSET', suspects, what, table.concat({token, unpack(tokens)}, ' '))
redis.call('PEXPIREAT', suspects, job_of(name).expires + GRACE)
return #tokens
