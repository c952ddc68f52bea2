-- Hand out due webhooks, each under a lease: only a few at a time for each receiver and each owner.
-- ARGV: how many, lease in ms, the most at a time for a lane, for an owner, most attempts at a delivery
-- Answers: a list of {id, token, attempt, URL, event as JSON, secrets...}
local room, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
local lane_most, owner_most, tries_most = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local SCAN = 256      -- lanes that are looked at in a call,
local ASIDE = 1 / 8   -- where one that is only put aside counts for so much
local OWNERS = 32     -- owners of such lanes whose turn may have come
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

local function look_at(lane, free)
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

local full = {}   -- owners that have as many under way as they may: their lanes are put aside

-- How many more an owner may have under way; 0 if it is the turn of others that were put aside.
local function turn(lane, owner)
  if full[owner] then return 0 end
  local free, aside = owner_most - sending(owner), 'ink:aside:' .. owner
  full[owner] = free <= 0
  if free <= 0 or redis.call('EXISTS', aside) == 0 then return free end
  if (redis.call('ZRANK', aside, lane) or free) >= free then return 0 end
  redis.call('ZREM', aside, lane)
  return free
end

-- Have lanes wait behind others of their owner. Leases of today are over when one has passed: the lanes
-- are looked at then in any case, even if their turn is forgotten, or only older senders are left.
local function put_aside(lanes, owner)
  local turns, looks, number = {}, {}, redis.call('INCR', 'ink:tokens')
  for i, lane in ipairs(lanes) do
    turns[2 * i - 1], turns[2 * i] = number, lane
    looks[2 * i - 1], looks[2 * i] = now + lease, lane
  end
  redis.call('ZADD', 'ink:aside:' .. owner, 'NX', unpack(turns))
  redis.call('ZADD', 'ink:outbox', unpack(looks))
  redis.call('ZADD', 'ink:aside', number, owner)
end

-- The lanes to be looked at next, the first of those put aside if their owner is below its limit again.
local function next_lanes()
  for _, owner in ipairs(redis.call('ZRANDMEMBER', 'ink:aside', OWNERS)) do
    local free, aside = owner_most - sending(owner), 'ink:aside:' .. owner
    for _, lane in ipairs(free > 0 and redis.call('ZRANGE', aside, 0, free - 1) or {}) do
      redis.call('ZADD', 'ink:outbox', 'LT', now, lane)
    end
    if redis.call('EXISTS', aside) == 0 then redis.call('ZREM', 'ink:aside', owner) end
  end
  return redis.call('ZRANGEBYSCORE', 'ink:outbox', '-inf', now, 'LIMIT', 0, SCAN)
end

local spent = 0   -- of SCAN

-- Look at lanes as long as there is room; put those aside whose turn it is not.
local function go_through(lanes)
  local waiting = {}
  for _, lane in ipairs(lanes) do
    if #claims == room then break end
    local owner = string.match(lane, '^[^/]*')
    local free = turn(lane, owner)
    if free > 0 then
      look_at(lane, math.min(free, room - #claims, lane_most - sending(lane)))
      spent = spent + 1
    else
      waiting[owner] = waiting[owner] or {}
      table.insert(waiting[owner], lane)
      spent = spent + ASIDE
    end
  end
  for owner, its_lanes in pairs(waiting) do put_aside(its_lanes, owner) end
end

local lanes = next_lanes()
while lanes[1] and #claims < room and spent < SCAN do
  go_through(lanes)
  lanes = next_lanes()
end
return claims
