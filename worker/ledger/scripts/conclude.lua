-- Record how an attempt to deliver a webhook went.
-- ARGV: id, token, outcome, attempt as JSON, ms until the next one, attempts of a delivery
--   outcome: 'delivered', 'failed', 'gone' (410), or 'released' (not tried; due at once)
-- Answers: the new state, 'settled' (it was over before), 'lost' (another sender has it) or 'unknown'
local id, token, outcome = ARGV[1], ARGV[2], ARGV[3]
local delivery = delivery_of(id)
if not delivery then return 'unknown' end
if delivery.state ~= 'pending' then return 'settled' end
if delivery.token ~= token and outcome ~= 'delivered' then return 'lost' end

local lane = 'ink:outbox:' .. delivery.lane
if outcome == 'released' then
  redis.call('HINCRBY', delivery_key(id), 'tries', -1)
  redis.call('HSET', delivery_key(id), 'due', now)
  let_go(id, delivery)
  redis.call('ZADD', lane, now, id)
  move_lane(delivery.lane)
  return 'pending'
end

local attempt = cjson.decode(ARGV[4])
attempt.at = tonumber(delivery.sent)
note_attempt(id, delivery, attempt)
if outcome == 'delivered' then
  close_delivery(id, delivery, 'delivered', '')
  local hook = hook_key(delivery.owner, delivery.hook)
  if redis.call('EXISTS', hook) == 1 then redis.call('HSET', hook, 'delivered', now) end
elseif outcome == 'gone' then
  close_delivery(id, delivery, 'failed', 'the receiver answered 410 Gone')
  disable_hook(delivery, 'the receiver answered 410 Gone')
elseif tonumber(delivery.tries) >= tonumber(ARGV[6]) then
  exhaust(id, delivery)
else
  local due = now + tonumber(ARGV[5])
  redis.call('HSET', delivery_key(id), 'due', due)
  redis.call('ZADD', lane, due, id)
  stat('webhooks_retried', 1)
end
move_lane(delivery.lane)
return redis.call('HGET', delivery_key(id), 'state')
