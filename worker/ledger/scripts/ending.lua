-- How a job goes on and ends (by its images, by a cancel, by its expiry), and who is told; shared by
-- every script.

local function make_due(name, job, c)
  change(job, 'd:' .. c, '1')
  later('ZADD', due_key(job.model, job.lane), name .. '#' .. c, clock)
end

-- Add n images of a job (n < 0: remove them) to the counts of what is queued.
local function add_load(job, n)
  add('ink:load', n)
  add(load_key(job.model, job.lane), n)
  if job.weight > 1 then add('ink:load:extra', n * (job.weight - 1)) end
  add('ink:queued', n, job.owner)
end

-- Count n images of a job as `field`: they are done with, and queued no longer.
local function settle(job, field, n)
  if n == 0 then return end
  change(job, field, job[field] + n)
  add_load(job, -n)
  stat('images_' .. field, n)
end

-- Remove all traces of chunk c being under way.
local function put_away(name, job, c, leased)
  local member = name .. '#' .. c
  later('ZREM', due_key(job.model, job.lane), member)
  later('ZREM', lease_key(job.model), member)
  later('DEL', '', suspects_key(name, c))
  redis.call('HDEL', key(name), 'd:' .. c, 'l:' .. c, 'a:' .. c)
  if leased then change(job, 'running', job.running - size(name, job, c)) end
end

-- Note an event of a job for its followers. For a job of one chunk follow.lua does it, if somebody asks,
-- which is rare.
local function note(name, job, ...)
  if job.chunks == 1 then return end
  redis.call('XADD', key(name, 'events'), '*', ...)
  redis.call('PEXPIREAT', key(name, 'events'), text(job.expires + GRACE))
end

local function leave_line(name, job)
  later('ZREM', line_key(job.model, job.lane), name)
  add('ink:open', -1, job.owner)
end

local function final_state(job)
  if job.state == 'canceling' and job.canceled > 0 then return 'canceled' end
  if job.failed == 0 then return 'succeeded' end
  if job.failed == job.total then return 'failed' end
  return 'partially_failed'
end

-- A job has ended, as `state`: tell its owner, take it out of the line, count it.
local function take_leave(name, job, state)
  tell_owner(name, job, state)
  leave_line(name, job)
  stat('jobs_ended:' .. state, 1)
end

local TOLD = 4096   -- the most bytes of results that go with a notification, since every gateway gets it

-- Save a job, and end it if its last image is done with; notify its followers in either case. The
-- notification that a one-image job has ended carries the result, so that whoever waits need not ask.
local function save_or_close(name, job, results)
  if job.succeeded + job.failed + job.canceled < job.total then
    save(name, job)
    return tell('ink:changed', name, '')
  end
  local state = final_state(job)
  change(job, 'state', state)
  change(job, 'ended', clock)
  change(job, 'running', '0')
  save(name, job)
  note(name, job, 'end', state)
  take_leave(name, job, state)
  tell('ink:ended', name, job.total == 1 and results and #results <= TOLD and results or '')
end

-- Drop a chunk of a canceled job.
local function drop(name, job, c, leased)
  put_away(name, job, c, leased)
  if not job.keep then later('DEL', '', key(name, 'in:' .. c)) end
  settle(job, 'canceled', size(name, job, c))
end

-- Chunks that are due or leased, as a list of {chunk, leased}.
local function under_way(name)
  local fields, run, list = redis.call('HGETALL', key(name)), {}, {}
  for i = 1, #fields, 2 do run[fields[i]] = fields[i + 1] end
  for field in pairs(run) do
    local c = string.match(field, '^d:(%d+)$')
    if c then list[#list + 1] = {chunk = tonumber(c), leased = run['l:' .. c] ~= nil} end
  end
  table.sort(list, function(a, b) return a.chunk < b.chunk end)
  return list
end

-- Delete everything of a job but its hash.
local function wipe(name, job)
  for c = 0, job.chunks - 1 do
    redis.call('DEL', key(name, 'in:' .. c), key(name, 'names:' .. c))
  end
  redis.call('DEL', key(name, 'starts'), key(name, 'out'), key(name, 'events'), key(name, 'corrections'))
  redis.call('ZREM', 'ink:owner:' .. job.owner, name)
  redis.call('ZREM', 'ink:expiry', name)
end
