-- Give an endpoint a new secret; for `ms` the old one signs as well. This also makes the first secret of
-- callback_urls. ARGV: OWNER, HOOK, secret, ms
-- Answers: {'new', until when the old one signs (ms; 0: there is none)}, {'missing', 0}, or, since only
--   two may sign at a time, {'overlap', until when an older one still signs, as was promised}
local hook, ms = hook_key(ARGV[1], ARGV[2]), tonumber(ARGV[4])
local old, previous_until = unpack(redis.call('HMGET', hook, 'secret', 'previous_until'))
previous_until = tonumber(previous_until or 0)
if not old and ARGV[2] ~= 'callback' then return {'missing', 0} end
if old == ARGV[3] then return {'new', previous_until} end   -- asked again, since the answer was lost
if ms > 0 and previous_until > now then return {'overlap', previous_until} end
redis.call('HSET', hook, 'secret', ARGV[3])
redis.call('HDEL', hook, 'previous', 'previous_until')
if not old or ms == 0 then return {'new', 0} end
redis.call('HSET', hook, 'previous', old, 'previous_until', now + ms)
return {'new', now + ms}
