-- What ends a job, shared by every script: its last image, a cancel, its time. Whoever waits is told.

local function leave_line(name, job)
  redis.call('ZREM', 'ink:line:' .. job.model .. ':' .. job.lane, name)
  redis.call('HINCRBY', 'ink:open', job.owner, -1)
end

local function final_state(job)
  if job.state == 'canceling' and job.canceled > 0 then return 'canceled' end
  if job.failed == 0 then return 'succeeded' end
  if job.failed == job.total then return 'failed' end
  return 'partially_failed'
end

-- A job is over, as `state`: its owner is told, and it leaves the line.
local function take_leave(name, job, state)
  tell_owner(name, job, state)
  leave_line(name, job)
  stat('jobs_ended:' .. state, 1)
end

local TOLD = 4096   -- bytes of results that may go with a notice, which every gateway hears

-- Close the job if its last image is done with; whoever follows it should look at it in any case. With the
-- end of one image goes what it says, so that who waits for it need not ask.
local function close_if_done(name, job, results)
  if job.succeeded + job.failed + job.canceled < job.total then return tell('ink:changed', name, '') end
  local state = final_state(job)
  redis.call('HSET', key(name), 'state', state, 'ended', now, 'running', 0)
  redis.call('DEL', key(name, 'run'))
  note(name, job, 'end', state)
  take_leave(name, job, state)
  tell('ink:ended', name, job.total == 1 and results and #results <= TOLD and results or '')
end

-- A chunk that nobody will read any more, since its job was canceled.
local function drop(name, job, c)
  put_away(name, job, c)
  redis.call('DEL', key(name, 'in:' .. c))
  settle(name, job, 'canceled', size(name, c))
end

-- Chunks that are due or leased, as a list of {chunk, leased}.
local function under_way(name)
  local fields, run, list = redis.call('HGETALL', key(name, 'run')), {}, {}
  for i = 1, #fields, 2 do run[fields[i]] = fields[i + 1] end
  for field in pairs(run) do
    local c = string.match(field, '^d:(%d+)$')
    if c then list[#list + 1] = {chunk = tonumber(c), leased = run['l:' .. c] ~= nil} end
  end
  table.sort(list, function(a, b) return a.chunk < b.chunk end)
  return list
end

-- Everything a job ever wrote, but its hash.
local function wipe(name, job)
  for c = 0, job.chunks - 1 do
    redis.call('DEL', key(name, 'in:' .. c), key(name, 'names:' .. c))
  end
  redis.call('DEL', key(name, 'starts'), key(name, 'out'), key(name, 'run'), key(name, 'events'),
    key(name, 'corrections'))
  redis.call('ZREM', 'ink:owner:' .. job.owner, name)
  redis.call('ZREM', 'ink:expiry', name)
end
