-- Hand out due webhooks, each under a lease: only a few at a time for each receiver and each owner.
-- ARGV: how many, lease in ms, the most at a time for a lane, for an owner, most attempts at a delivery
-- Answers: a list of {id, token, attempt, URL, event as JSON, secrets...}
local room, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
local lane_most, owner_most, tries_most = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local SCAN = 256
local claims = {}

local function sending(whose)
  redis.call('ZREMRANGEBYSCORE', 'ink:sending:' .. whose, '-inf', now)
  return redis.call('ZCARD', 'ink:sending:' .. whose)
end

local function note_lease(whose, id)
  redis.call('ZADD', 'ink:sending:' .. whose, now + lease, id)
  redis.call('PEXPIRE', 'ink:sending:' .. whose, 2 * lease)
end

-- The URL and the secrets of a delivery; nil and the reason if it cannot be sent.
local function destination(delivery)
  local hook = redis.call('HMGET', hook_key(delivery.owner, delivery.hook), 'url', 'enabled', 'reason',
    'secret', 'previous', 'previous_until')
  if not hook[4] then return nil, 'the endpoint was deleted' end
  if hook[2] == '0' then return nil, 'the endpoint is disabled: ' .. (hook[3] or '') end
  local secrets = {hook[4]}
  if tonumber(hook[6] or 0) > now then secrets[2] = hook[5] end
  return delivery.url ~= '' and delivery.url or hook[1], secrets
end

local function take(id, lane)
  local delivery = delivery_of(id)
  if not delivery then return redis.call('ZREM', 'ink:outbox:' .. lane, id) end
  if delivery.token then
    note_attempt(id, delivery, {at = tonumber(delivery.sent), error = 'the sender was lost meanwhile'})
  end
  if tonumber(delivery.tries) >= tries_most then return exhaust(id, delivery) end
  local url, secrets = destination(delivery)
  if not url then return close_delivery(id, delivery, 'failed', secrets) end
  local token, key = redis.call('INCR', 'ink:tokens'), delivery_key(id)
  local attempt = redis.call('HINCRBY', key, 'tries', 1)
  redis.call('HSET', key, 'token', token, 'sent', now, 'due', now + lease)
  keep_delivery(id, delivery, WAITING_KEPT)
  redis.call('ZADD', 'ink:outbox:' .. lane, now + lease, id)
  note_lease(lane, id)
  note_lease(delivery.owner, id)
  claims[#claims + 1] = {id, token, attempt, url, delivery.event, unpack(secrets)}
end

for _, lane in ipairs(redis.call('ZRANGEBYSCORE', 'ink:outbox', '-inf', now, 'LIMIT', 0, SCAN)) do
  local owner = string.match(lane, '^[^/]*')
  local free = math.min(room - #claims, lane_most - sending(lane), owner_most - sending(owner))
  if room == #claims then break end
  local due = {'ink:outbox:' .. lane, '-inf', now}
  if free > 0 then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', due[1], due[2], due[3], 'LIMIT', 0, free)) do
      take(id, lane)
    end
  end
  if redis.call('ZCOUNT', due[1], due[2], due[3]) > 0 then
    redis.call('ZADD', 'ink:outbox', now + BLOCKED, lane)
  else
    move_lane(lane)
  end
end
return claims
