-- The outbox of webhooks, shared by every script: who is told of a job's end, and what is still to be
-- sent. A lane is one receiver's queue, OWNER/HOOK or OWNER/callback@HOST: no lane holds up another.
--
-- ink:hooks:OWNER      zset of endpoints by when they came     ink:hook:OWNER/HOOK   hash: an endpoint
-- ink:outbox           zset of lanes by when to look at them   ink:outbox:LANE       zset of deliveries
--   by when they are due, or their lease ends                  ink:sending:LANE, :OWNER   leases by end
-- ink:aside:OWNER      zset of lanes that are due, but wait for their owner's limit, in turn (a running
--   number); they are in ink:outbox as well
-- ink:delivery:ID      hash: a delivery                        ink:delivery:ID:attempts  list of JSON
-- ink:deliveries:job:NAME, :hook:OWNER/HOOK                    zsets of deliveries by when they came

local ENDINGS = {
  succeeded = 'job.completed', partially_failed = 'job.completed', failed = 'job.failed',
  canceled = 'job.canceled', expired = 'job.expired'
}
local KEPT = 7 * 86400000         -- how long a delivery is kept that failed,
local DELIVERED_KEPT = 86400000   -- one that arrived,
local WAITING_KEPT = 7776000000   -- one still to be sent (90 days: everything may be off for long)
local BLOCKED = 250               -- ms after which a lane that is at its limit is looked at again
local ATTEMPTS = 50               -- how many of the latest attempts are listed

local function hook_key(owner, hook) return 'ink:hook:' .. owner .. '/' .. hook end

local function delivery_key(id) return 'ink:delivery:' .. id end

-- List a delivery, and check a few random others, so that few expired ones stay in the list.
local function list_delivery(list, id, since)
  redis.call('ZADD', list, since, id)
  for _, some in ipairs(redis.call('ZRANDMEMBER', list, 4)) do
    if redis.call('EXISTS', delivery_key(some)) == 0 then redis.call('ZREM', list, some) end
  end
  redis.call('PEXPIRE', list, KEPT)
end

-- Keep a delivery for `ms` from now on, listed for its job and its endpoint.
local function keep_delivery(id, delivery, ms)
  redis.call('PEXPIRE', delivery_key(id), ms)
  redis.call('PEXPIRE', delivery_key(id) .. ':attempts', ms)
  list_delivery('ink:deliveries:job:' .. delivery.job, id, delivery.since)
  list_delivery('ink:deliveries:hook:' .. delivery.owner .. '/' .. delivery.hook, id, delivery.since)
end

local function owner_of(lane) return string.match(lane, '^[^/]*') end

-- Schedule the first of the lanes that wait for their owner's limit for `at`, if not for sooner.
local function call_up(owner, number, at)
  for _, lane in ipairs(redis.call('ZRANGE', 'ink:aside:' .. owner, 0, number - 1)) do
    redis.call('ZADD', 'ink:outbox', 'LT', at, lane)
  end
end

-- Schedule a lane for when its first delivery is due. One that waits for its owner's limit stays as it
-- is; the first of those that wait is looked at instead.
local function move_lane(lane)
  local owner = owner_of(lane)
  local head = redis.call('ZRANGE', 'ink:outbox:' .. lane, 0, 0, 'WITHSCORES')
  if redis.call('ZSCORE', 'ink:aside:' .. owner, lane) then
    call_up(owner, 1, now)
  elseif head[1] then
    redis.call('ZADD', 'ink:outbox', head[2], lane)
  else
    redis.call('ZREM', 'ink:outbox', lane)
  end
end

-- After Redis's clock was set back, a delivery may have been created or sent in the future: shift its
-- times back by as much. Returns whether any of these deliveries of a lane was shifted.
local function rewind(lane, ids)
  local found = false
  for _, id in ipairs(ids) do
    local since, sent, due, owner = unpack(
      redis.call('HMGET', delivery_key(id), 'since', 'sent', 'due', 'owner'))
    local ahead = math.max(tonumber(since or 0), tonumber(sent or 0)) - now
    if ahead > 0 then
      redis.call('HSET', delivery_key(id), 'since', since - ahead, 'due', due - ahead)
      if sent then redis.call('HSET', delivery_key(id), 'sent', sent - ahead) end
      for _, list in ipairs({'outbox:' .. lane, 'sending:' .. lane, 'sending:' .. owner}) do
        redis.call('ZADD', 'ink:' .. list, 'XX', 'INCR', -ahead, id)
      end
      found = true
    end
  end
  return found
end

-- The same for a whole lane, if a random delivery or the one sent last is from the future: for up to 1000
-- that wait, and for all that are being sent, which may be few among many that are not affected. The lane
-- is scheduled anew in any case, unless its turn comes soon: it may have been blocked in the future.
local function rewind_lane(lane)
  local waiting, sending = 'ink:outbox:' .. lane, 'ink:sending:' .. lane
  local sample = redis.call('ZRANDMEMBER', waiting, 1)
  sample[2] = redis.call('ZRANGE', sending, -1, -1)[1]
  if rewind(lane, sample) then
    rewind(lane, redis.call('ZRANDMEMBER', waiting, 1000))
    rewind(lane, redis.call('ZRANGE', sending, 0, -1))
  end
  if tonumber(redis.call('ZSCORE', 'ink:outbox', lane)) > now + BLOCKED then move_lane(lane) end
end

-- Put a message for one receiver into the outbox; `url` is '' for the URL of the endpoint.
local function put_out(owner, hook, lane, url, name, event)
  local serial = redis.call('INCR', 'ink:deliveries')
  local id = 'msg_' .. redis.sha1hex(name .. '|' .. lane .. '|' .. now .. '|' .. serial)
  redis.call('HSET', delivery_key(id), 'owner', owner, 'hook', hook, 'lane', lane, 'url', url,
    'job', name, 'event', cjson.encode(event), 'type', event.type, 'state', 'pending', 'tries', 0,
    'created', now, 'since', now, 'due', now)
  keep_delivery(id, {owner = owner, hook = hook, job = name, since = now}, WAITING_KEPT)
  redis.call('ZADD', 'ink:outbox:' .. lane, now, id)
  move_lane(lane)
  stat('webhooks_created', 1)
end

local function tell_endpoints(name, owner, event)
  for _, hook in ipairs(redis.call('ZRANGE', 'ink:hooks:' .. owner, 0, -1)) do
    local enabled, events = unpack(redis.call('HMGET', hook_key(owner, hook), 'enabled', 'events'))
    if enabled == '1' and string.find(events, event.type, 1, true) then
      put_out(owner, hook, owner .. '/' .. hook, '', name, event)
    end
  end
end

-- The event that tells of a job's end.
local function ending(name, job, state)
  local done = job.succeeded + job.failed + job.canceled
  return {
    type = ENDINGS[state], at = now, id = string.match(name, '/(.*)$'), state = state,
    counts = {
      total = job.total, queued = job.total - done, running = 0,
      succeeded = job.succeeded, failed = job.failed, canceled = job.canceled
    }
  }
end

-- Tell a job's owner, once, how it ended: each endpoint that wants such events, and the callback_url.
local function tell_owner(name, job, state)
  local url, called = job.callback, job.callback and job.callback ~= ''
  if job.quiet and not called then return end
  local event = ending(name, job, state)
  if not job.quiet then tell_endpoints(name, job.owner, event) end
  if called then
    local scheme, host = string.match(string.lower(url), '^(%a+)://([^/?]+)')
    host = string.gsub(host, scheme == 'https' and ':0*443$' or ':0*80$', '')
    put_out(job.owner, 'callback', job.owner .. '/callback@' .. host, url, name, event)
  end
end

-- Wake as many senders as can find something to send; each sends many at a time.
local function ring_senders(message)
  local due = redis.call('ZCOUNT', 'ink:outbox', '-inf', now)
  local alive = math.max(1, redis.call('ZCOUNT', 'ink:senders', now - ALIVE, '+inf'))
  ring_in('webhooks', math.min(due, alive), message)
end

-- Give up a delivery's lease: another of its owner's lanes may have its turn.
local function let_go(id, delivery)
  redis.call('HDEL', delivery_key(id), 'token')
  redis.call('ZREM', 'ink:sending:' .. delivery.lane, id)
  redis.call('ZREM', 'ink:sending:' .. delivery.owner, id)
  call_up(delivery.owner, 1, now)
end

-- Note how the attempt in progress went, and give up its lease.
local function note_attempt(id, delivery, attempt)
  redis.call('RPUSH', delivery_key(id) .. ':attempts', cjson.encode(attempt))
  redis.call('LTRIM', delivery_key(id) .. ':attempts', -ATTEMPTS, -1)
  keep_delivery(id, delivery, WAITING_KEPT)
  let_go(id, delivery)
end

-- End a delivery as `state`; `reason` is '' if it arrived.
local function close_delivery(id, delivery, state, reason)
  redis.call('HSET', delivery_key(id), 'state', state, 'reason', reason)
  redis.call('HDEL', delivery_key(id), 'due', 'token')
  redis.call('ZREM', 'ink:outbox:' .. delivery.lane, id)
  keep_delivery(id, delivery, state == 'delivered' and DELIVERED_KEPT or KEPT)
  stat('webhooks_' .. state, 1)
end

local function disable_hook(delivery, reason)
  local hook = hook_key(delivery.owner, delivery.hook)
  if delivery.hook == 'callback' or redis.call('HGET', hook, 'enabled') ~= '1' then return end
  redis.call('HSET', hook, 'enabled', 0, 'reason', reason)
  stat('webhooks_disabled', 1)
end

-- Fail a delivery whose attempts are used up; disable its endpoint if nothing else arrived there since.
local function exhaust(id, delivery)
  close_delivery(id, delivery, 'failed', 'it was tried as often as the schedule says')
  local last = redis.call('HGET', hook_key(delivery.owner, delivery.hook), 'delivered')
  if tonumber(last or 0) < tonumber(delivery.since) then
    disable_hook(delivery, 'no delivery arrived for as long as the schedule lasts')
  end
end

local function delivery_of(id)
  local fields, delivery = redis.call('HGETALL', delivery_key(id)), {}
  for i = 1, #fields, 2 do delivery[fields[i]] = fields[i + 1] end
  return delivery.state and delivery or nil
end
