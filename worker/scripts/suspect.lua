-- Note that an image of a chunk, or a block of them, is about to be touched, in case it kills the
-- worker; those before it did no harm. Nothing is noted for a lost lease, nor twice for the same one.
-- ARGV: NAME, chunk, token, index or block, those before. Answers: how many died with this in hand
local name, c, token, what = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('HGET', key(name), 'l:' .. c) ~= token then return 0 end
local suspects = suspects_key(name, c)
if ARGV[5] then redis.call('HDEL', suspects, unpack(ARGV, 5)) end
local tokens = other_tokens(suspects, what, token)
redis.call('HSET', suspects, what, table.concat({token, unpack(tokens)}, ' '))
redis.call('PEXPIREAT', suspects, job_of(name).expires + GRACE)
return #tokens
