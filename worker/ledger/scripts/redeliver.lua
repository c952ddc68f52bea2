-- Have a job's webhook sent again, from the first attempt on, under the same id. ARGV: NAME, id
-- Answers: 'missing', 'deleted' or 'disabled' (the endpoint is), 'sending', or 'pending' (it is due now)
local name, id = ARGV[1], ARGV[2]
local delivery = delivery_of(id)
if not delivery or delivery.job ~= name then return 'missing' end
local enabled, secret = unpack(
  redis.call('HMGET', hook_key(delivery.owner, delivery.hook), 'enabled', 'secret'))
if not secret then return 'deleted' end
if enabled == '0' then return 'disabled' end
if delivery.token and tonumber(delivery.due) > now then return 'sending' end
redis.call('HSET', delivery_key(id), 'state', 'pending', 'tries', 0, 'since', now, 'due', now)
redis.call('HDEL', delivery_key(id), 'reason', 'token')
delivery.since = now
keep_delivery(id, delivery, WAITING_KEPT)
redis.call('ZADD', 'ink:outbox:' .. delivery.lane, now, id)
move_lane(delivery.lane)
stat('webhooks_redelivered', 1)
return 'pending'
