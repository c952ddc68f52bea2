-- Hand out due webhooks, each under a lease: only a few at a time for each receiver and each owner.
-- ARGV: how many, lease in ms, the most at a time for a lane, for an owner, most attempts at a delivery
-- Answers: a list of {id, token, attempt, URL, event as JSON, secrets...}
local room, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
local lane_most, owner_most, tries_most = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local SCAN = 256      -- lanes that are looked at in a call;
local ASIDE = 1 / 8   -- one that has to wait for its owner's limit counts as so many
local claims, spent = {}, 0

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

local function look_at(lane, free)
  local deliveries = 'ink:outbox:' .. lane
  if free > 0 then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', deliveries, '-inf', now, 'LIMIT', 0, free)) do
      take(id, lane)
    end
  end
  if redis.call('ZCOUNT', deliveries, '-inf', now) > 0 then
    redis.call('ZADD', 'ink:outbox', now + BLOCKED, lane)
  else
    move_lane(lane)
  end
end

local full = {}   -- owners that have as many under way as they may

-- How many more a lane's owner may have under way; 0 if other lanes of the owner have waited for longer.
local function turn(lane, owner)
  if full[owner] then return 0 end
  local free, aside = owner_most - sending(owner), 'ink:aside:' .. owner
  full[owner] = free <= 0
  if free <= 0 or redis.call('EXISTS', aside) == 0 then return free end
  if (redis.call('ZRANK', aside, lane) or free) >= free then return 0 end
  redis.call('ZREM', aside, lane)
  return free
end

-- Queue a lane behind those of its owner that wait already; call_up ends the wait. In case that it never
-- does, the lane is scheduled as well: for when those before it are done if each takes a whole lease. So
-- only a few come back at a time, and delay nobody's webhooks.
local function put_aside(lane, owner)
  local aside = 'ink:aside:' .. owner
  redis.call('ZADD', aside, 'NX', redis.call('INCR', 'ink:tokens'), lane)
  local leases = 1 + math.floor(redis.call('ZRANK', aside, lane) / owner_most)
  redis.call('ZADD', 'ink:outbox', now + leases * lease, lane)
end

-- Call up as many waiting lanes of an owner as it may have under way. If that is none, the first of them
-- is looked at when the first of the present leases ends: so they go on even if all senders are lost.
local function call_next(owner)
  if redis.call('EXISTS', 'ink:aside:' .. owner) == 0 then return end
  local free = owner_most - sending(owner)
  local first_end = redis.call('ZRANGE', 'ink:sending:' .. owner, 0, 0, 'WITHSCORES')[2]
  call_up(owner, math.max(1, math.min(free, room - #claims)), free > 0 and now or first_end)
end

-- Look at lanes as long as there is room; put those aside that have to wait for their owner's limit.
local function go_through(lanes)
  local owners = {}
  full = {}
  for _, lane in ipairs(lanes) do
    if #claims == room then break end
    local owner = owner_of(lane)
    local free = turn(lane, owner)
    if free > 0 then
      look_at(lane, math.min(free, room - #claims, lane_most - sending(lane)))
    else
      put_aside(lane, owner)
    end
    spent = spent + (free > 0 and 1 or ASIDE)
    owners[owner] = true
  end
  for owner in pairs(owners) do call_next(owner) end
end

while #claims < room and spent < SCAN do
  local lanes = redis.call('ZRANGEBYSCORE', 'ink:outbox', '-inf', now, 'LIMIT', 0, SCAN)
  if not lanes[1] then break end
  go_through(lanes)
end
return claims
