-- Hand out due chunks of a model, each under a lease: about as many images, by weight, as the budget,
-- and some bulk among them.
-- ARGV: model, budget, lease in ms, worker ('' if it has no name); then, if the worker is to linger when
--   nothing is due: for how many ms, and the other models that it serves
-- Answers: a list of {NAME, chunk, token, deliveries, images, options, packed images, labels,
--   ms for which it was due}
local model, budget, lease_end = ARGV[1], tonumber(ARGV[2]), text(now + ARGV[3])
local SCAN = 128
local ENOUGH = 16777216   -- bytes of chunks, from both lanes together, after which only the first of bulk is
                          -- still handed out: Redis and the worker's connection are busy for long with
                          -- what is handed out at once
local claims, taken, bytes = {}, 0, 0

-- By lane: due chunks, each followed by since when it is due, and the place of the next such pair.
local heads = {}
for _, lane in ipairs(LANES) do
  local due = due_key(model, lane)
  local rows = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'WITHSCORES', 'LIMIT', 0, SCAN)
  heads[lane] = {at = 1, rows = rows}
end

local function parse(member)
  return string.match(member, '^(.*)#(%d+)$')
end

local function take(name, job, c, since)
  local n, count, token = size(name, job, c), job.deliveries + 1, counted('ink:tokens') + 1
  add('ink:tokens', 1)
  change(job, 'a:' .. c, count)
  change(job, 'l:' .. c, token)
  if not job.token then change(job, 'running', job.running + n) end
  local member = name .. '#' .. c
  later('ZADD', due_key(model, job.lane), member, lease_end)
  later('ZADD', lease_key(model), member, lease_end)
  if job.state == 'queued' then
    change(job, 'state', 'running')
    change(job, 'started', clock)
    tell('ink:changed', name, '')
  end
  save(name, job)
  if count > 1 then stat('chunks_reclaimed', 1) end
  taken = taken + n * job.weight
  local packed, waited = redis.call('GET', key(name, 'in:' .. c)), now - tonumber(since)
  bytes = bytes + #(packed or '')
  claims[#claims + 1] = {name, tonumber(c), token, count, n, job.options, packed, job.labels, waited}
end

-- The job of a due chunk if it is still to be read, or nil; removes what is left of jobs that are over.
local function wanted(lane, member, name, c)
  local job = job_of(name, c)
  if not job or is_over(job) or TERMINAL[job.state]
      or not job.due then   -- dropped a moment ago, in this very call
    later('ZREM', due_key(model, lane), member)
    return nil
  end
  if job.state == 'canceling' then
    drop(name, job, c, job.token)
    save_or_close(name, job)
    return nil
  end
  return job
end

-- Take a redelivered chunk, alone: if it kills again, no other chunk loses an attempt. It has waited
-- longer than anything else, so it goes first, however much became due before its lease ended.
local function take_redelivered()
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', lease_key(model), '-inf', now, 'LIMIT', 0, SCAN)) do
    local name, c = parse(member)
    local job = job_of(name)
    job = job and wanted(job.lane, member, name, c)
    local since = job and redis.call('ZSCORE', due_key(model, job.lane), member)
    if since then
      take(name, job, c, since)
      return true
    end
    later('ZREM', lease_key(model), member)
  end
  return false
end

-- Take chunks of a lane for as long as they fit; if `sure`, the first one in any case.
local function take_from(lane, limit, sure)
  local rows = heads[lane].rows
  while rows[heads[lane].at] do
    local member, since = unpack(rows, heads[lane].at, heads[lane].at + 1)
    local name, c = parse(member)
    local job = wanted(lane, member, name, c)
    if job and job.deliveries == 0 then
      if not sure and (bytes >= ENOUGH or taken + size(name, job, c) * job.weight > limit) then return end
      take(name, job, c, since)
      sure = false
    end
    heads[lane].at = heads[lane].at + 2
  end
end

if not take_redelivered() then
  take_from('interactive', budget * 3 / 4, true)
  take_from('bulk', budget, true)   -- however much is interactive, so that bulk never starves
  take_from('interactive', budget, false)
end

-- For `ms`, a submission wakes this worker directly; it is woken at once if another model has work.
local function linger(worker, ms)
  local lanes, model_of = {}, {}
  for i = 6, #ARGV do
    for _, lane in ipairs(LANES) do
      lanes[#lanes + 1] = due_key(ARGV[i], lane)
      model_of[lanes[#lanes]] = ARGV[i]
    end
  end
  if #lanes > 0 and redis.call('EXISTS', unpack(lanes)) > 0 then   -- rare, and then most are leased
    for _, due in ipairs(lanes) do
      if redis.call('ZCOUNT', due, '-inf', now) > 0 then return wake(worker, model_of[due]) end
    end
  end
  redis.call('ZADD', 'ink:lingering', now + ms, worker)
end

if #claims == 0 and ARGV[5] then linger(ARGV[4], tonumber(ARGV[5])) end
if #claims == 0 then return claims end
if ARGV[4] ~= '' and redis.call('HSETNX', 'ink:worker:' .. ARGV[4], 'first_claim', clock) == 1 then
  redis.call('EXPIRE', 'ink:worker:' .. ARGV[4], 60)
end
return claims
