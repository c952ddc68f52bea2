-- Change an endpoint. ARGV: OWNER, HOOK, then pairs of field and value. Answers: 1 if it exists
local hook = hook_key(ARGV[1], ARGV[2])
if redis.call('HEXISTS', hook, 'url') == 0 then return 0 end   -- the secret of callback_urls has none
if #ARGV > 2 then redis.call('HSET', hook, unpack(ARGV, 3)) end
return 1
