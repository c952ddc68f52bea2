-- Make a job visible: from here on it is never lost. One call, all or nothing.
-- ARGV: the job as JSON, its chunk starts (u32 LE), a doorbell; then its chunks, unless they were staged:
--   packed images and names ('' for none), chunk by chunk
-- Answers: {'new', NAME} {'replay', NAME} {'mismatch'} {'gone'} {'unstaged'} {'unsigned'};
--   {'stranger'}: this is not the run of Redis that was approved; too many
--   are {'full', n} and {'quota', n}, by n images, {'never', most}, and {'many', unfinished jobs}; and
--   {'memory', n} and {'large', n}, as stage.lua has it
local want = cjson.decode(ARGV[1])
local starts, doorbell, name = ARGV[2], ARGV[3], want.name

if want.server ~= '' and not string.find(redis.call('INFO', 'server'), want.server, 1, true) then
  return {'stranger'}
end

local function known(as, fingerprint)
  if fingerprint == want.fingerprint then return {'replay', as} end
  return {'mismatch'}
end

if want.idempotency then
  local seen = redis.call('HMGET', want.idempotency, 'name', 'fingerprint')
  if seen[1] then return known(seen[1], seen[2]) end
end
local standing = job_of(name)
if standing and is_over(standing) then return {'gone'} end
if standing then return known(name, redis.call('HGET', key(name), 'fingerprint')) end

if want.callback ~= '' and redis.call('EXISTS', callback_key(want.owner)) == 0 then return {'unsigned'} end
local load = queued_images()
local why, excess = crowded(want.owner, want.total, load, want.max_queued, want.max_owner)
if why then return {why, excess} end
if not want.stage then
  local bytes = 0
  for i = 4, #ARGV do bytes = bytes + #ARGV[i] end
  why, excess = overfull(bytes, bytes, want.memory, want.mark, load)
  if why then return {why, excess} end
end
local open = tonumber(redis.call('HGET', 'ink:open', want.owner) or 0)
if open >= want.max_open then return {'many', open} end

local expires = now + want.ttl_ms

local function unstage()
  local stage = 'ink:stage:' .. want.stage .. ':'
  for c = 0, want.chunks - 1 do
    if redis.call('EXISTS', stage .. 'in:' .. c) == 0 then return false end
  end
  for c = 0, want.chunks - 1 do
    for _, part in ipairs({'in:' .. c, 'names:' .. c}) do
      if redis.call('EXISTS', stage .. part) == 1 then
        redis.call('RENAME', stage .. part, key(name, part))
        redis.call('PEXPIREAT', key(name, part), expires + GRACE)
      end
    end
  end
  return true
end

local function store()
  for c = 0, want.chunks - 1 do
    for part, data in pairs({['in:' .. c] = ARGV[4 + 2 * c], ['names:' .. c] = ARGV[5 + 2 * c]}) do
      if data ~= '' then redis.call('SET', key(name, part), data, 'PX', want.ttl_ms + GRACE) end
    end
  end
end

if not want.stage then store() elseif not unstage() then return {'unstaged'} end

local first = math.min(want.window, want.chunks)
redis.call('HSET', key(name), 'state', 'queued', 'owner', want.owner, 'model', want.model,
  'lane', want.lane, 'total', want.total, 'chunks', want.chunks, 'succeeded', 0, 'failed', 0,
  'canceled', 0, 'running', 0, 'next', first, 'created', now, 'expires', expires,
  'fingerprint', want.fingerprint, 'options', want.options, 'metadata', want.metadata,
  'parent', want.parent, 'labels', want.labels, 'weights', want.weights,
  'keep', want.keep and 1 or 0, 'callback', want.callback,
  'quiet', want.quiet and 1 or 0,
  'weight', want.weight,
  'born', redis.call('GET', 'ink:tokens') or 0)   -- every lease of this job has a later token
redis.call('SET', key(name, 'starts'), starts, 'PX', want.ttl_ms + BURIAL)
redis.call('PEXPIREAT', key(name), expires + BURIAL)
if want.idempotency then
  redis.call('HSET', want.idempotency, 'name', name, 'fingerprint', want.fingerprint)
  redis.call('PEXPIREAT', want.idempotency, expires)
end
-- By the microsecond, so that a page of the list can end between any two jobs.
redis.call('ZADD', 'ink:owner:' .. want.owner, string.format('%s%06d', time[1], time[2]), name)
redis.call('ZADD', 'ink:expiry', expires, name)
redis.call('ZADD', 'ink:line:' .. want.model .. ':' .. want.lane, now, name)
redis.call('HINCRBY', 'ink:open', want.owner, 1)
load = redis.call('INCRBY', 'ink:load', want.total)
if load > tonumber(redis.call('GET', 'ink:peak') or 0) then redis.call('SET', 'ink:peak', load) end
redis.call('HINCRBY', 'ink:queued', want.owner, want.total)
if want.weight > 1 then redis.call('INCRBY', 'ink:load:extra', want.total * (want.weight - 1)) end
redis.call('INCRBY', 'ink:load:' .. want.model .. ':' .. want.lane, want.total)
stat('jobs_accepted', 1)
stat('images_accepted', want.total)

want.expires = expires
for c = 0, first - 1 do make_due(name, want, c) end
ring(want.model, first, doorbell)
return {'new', name}
