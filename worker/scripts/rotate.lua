-- A new secret for an endpoint; for a while the old one signs as well. This also makes the secret of
-- callback_urls. ARGV: OWNER, HOOK, secret, ms. Answers: until when (ms; 0: no other), -1: no endpoint
local hook = hook_key(ARGV[1], ARGV[2])
local old = redis.call('HGET', hook, 'secret')
if not old and ARGV[2] ~= 'callback' then return -1 end
if old == ARGV[3] then   -- asked again, since the answer was lost
  return tonumber(redis.call('HGET', hook, 'previous_until') or 0)
end
redis.call('HSET', hook, 'secret', ARGV[3])
redis.call('HDEL', hook, 'previous', 'previous_until')
if not old or tonumber(ARGV[4]) == 0 then return 0 end
redis.call('HSET', hook, 'previous', old, 'previous_until', now + tonumber(ARGV[4]))
return now + tonumber(ARGV[4])
