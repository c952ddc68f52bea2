-- Hand out due chunks of a model, each under a lease: about a budget of images, each by its weight, bulk
-- among them.
-- ARGV: model, budget, lease in ms, worker ('' for one without a name); then, if it lingers where there is
--   nothing: for how many ms, and the other models that it serves
-- Answers: a list of {NAME, chunk, token, deliveries, images, options, packed images, ms it was due}
local model, budget, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local SCAN = 64
local claims, taken = {}, 0

local function head(lane, count)
  return redis.call('ZRANGEBYSCORE', due_key(model, lane), '-inf', now, 'LIMIT', 0, count)
end

local function parse(member)
  local name, c = string.match(member, '^(.*)#(%d+)$')
  return name, tonumber(c)
end

local function deliveries(name, c)
  return tonumber(redis.call('HGET', key(name, 'run'), 'a:' .. c) or 0)
end

local function take(name, job, c)
  local run, n = key(name, 'run'), size(name, c)
  local count = redis.call('HINCRBY', run, 'a:' .. c, 1)
  local token = redis.call('INCR', 'ink:tokens')
  local waited = now - tonumber(redis.call('ZSCORE', due_key(model, job.lane), name .. '#' .. c))
  if redis.call('HSET', run, 'l:' .. c, token) == 1 then
    redis.call('HINCRBY', key(name), 'running', n)
  end
  redis.call('ZADD', due_key(model, job.lane), now + lease, name .. '#' .. c)
  redis.call('ZADD', lease_key(model), now + lease, name .. '#' .. c)
  if job.state == 'queued' then
    redis.call('HSET', key(name), 'state', 'running', 'started', now)
    tell('ink:changed', name, '')
  end
  if count > 1 then stat('chunks_reclaimed', 1) end
  taken = taken + n * job.weight
  claims[#claims + 1] = {
    name, c, token, count, n, redis.call('HGET', key(name), 'options'),
    redis.call('GET', key(name, 'in:' .. c)), waited
  }
end

-- The job of a due chunk, if it is still to be read; what is left of dead jobs is cleared away.
local function wanted(lane, member, name, c)
  local job = job_of(name)
  if not job or is_over(job) or TERMINAL[job.state] then
    redis.call('ZREM', due_key(model, lane), member)
    return nil
  end
  if job.state == 'canceling' then
    drop(name, job, c)
    close_if_done(name, job)
    return nil
  end
  return job
end

-- A redelivered chunk goes out alone: should it kill again, it takes nobody's attempt with it. It has
-- waited longer than anything else, so it goes first, however much became due before its lease ended.
local function take_redelivered()
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', lease_key(model), '-inf', now, 'LIMIT', 0, SCAN)) do
    local name, c = parse(member)
    local job = job_of(name)
    job = job and wanted(job.lane, member, name, c)
    if job and redis.call('ZSCORE', due_key(model, job.lane), member) then
      take(name, job, c)
      return true
    end
    redis.call('ZREM', lease_key(model), member)
  end
  for _, lane in ipairs(LANES) do   -- leases of a worker that is older than their list
    local member = head(lane, 1)[1]
    if member then
      local name, c = parse(member)
      if deliveries(name, c) > 0 then
        local job = wanted(lane, member, name, c)
        if job then take(name, job, c) return true end
      end
    end
  end
  return false
end

-- Chunks of a lane as long as they fit; the first is taken in any case if it is `sure`.
local function take_from(lane, limit, sure)
  for _, member in ipairs(head(lane, SCAN)) do
    local name, c = parse(member)
    local job = wanted(lane, member, name, c)
    if job and deliveries(name, c) == 0 then
      if not sure and taken + size(name, c) * job.weight > limit then return end
      take(name, job, c)
      sure = false
    end
  end
end

if not take_redelivered() then
  take_from('interactive', budget * 3 / 4, true)
  take_from('bulk', budget, true)   -- however much is interactive, so that bulk never starves
  take_from('interactive', budget, false)
end
-- For so long whoever submits wakes this worker itself; at once, if another model has something due.
local function linger(worker, ms)
  for i = 6, #ARGV do
    for _, lane in ipairs(LANES) do
      if redis.call('ZCOUNT', due_key(ARGV[i], lane), '-inf', now) > 0 then return wake(worker, ARGV[i]) end
    end
  end
  redis.call('ZADD', 'ink:lingering', now + ms, worker)
end

if #claims == 0 and ARGV[5] then linger(ARGV[4], tonumber(ARGV[5])) end
if #claims > 0 and ARGV[4] ~= '' then
  redis.call('HSETNX', 'ink:worker:' .. ARGV[4], 'first_claim', now)
  redis.call('EXPIRE', 'ink:worker:' .. ARGV[4], 60)
end
spread_news()
return claims
