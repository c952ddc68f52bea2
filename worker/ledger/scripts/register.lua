-- Add an endpoint of an owner. ARGV: OWNER, HOOK, most endpoints, then pairs of field and value
-- Answers: 'new' or 'many'
local owner, hook = ARGV[1], ARGV[2]
if redis.call('EXISTS', hook_key(owner, hook)) == 1 then return 'new' end   -- asked again
if redis.call('ZCARD', 'ink:hooks:' .. owner) >= tonumber(ARGV[3]) then return 'many' end
redis.call('ZADD', 'ink:hooks:' .. owner, now, hook)
redis.call('HSET', hook_key(owner, hook), 'created', now, 'enabled', 1, unpack(ARGV, 4))
return 'new'
