-- Accept jobs, each of them whole or not at all: from here on they are never lost.
-- ARGV, job by job: the number of arguments that follow; the job as JSON, its chunk starts (u32 LE), a
--   doorbell; then, unless they were staged, chunk by chunk: packed images and names ('' for none)
-- Answers, job by job: {'new', NAME} {'replay', NAME} {'mismatch'} {'gone'} {'unstaged'} {'unsigned'};
--   {'stranger'}: this is not the Redis process that was approved; if there is no room {'full', n} and
--   {'quota', n}, by n images, {'never', most} and {'many', unfinished jobs}, and {'memory', n} and
--   {'large', n} as in stage.lua
local HANDED = 16384   -- the most bytes of chunks that are handed to a lingering worker when it is woken
local verdicts, bells, server = {}, {}, nil

local function is_stranger(wanted)
  if wanted == '' then return false end
  server = server or redis.call('INFO', 'server')
  return not string.find(server, wanted, 1, true)
end

-- The verdict if there is a job with the same Idempotency-Key or name; nil if there is none.
local function known(want)
  local name, fingerprint, job = nil, nil, nil
  if want.idempotency then
    name, fingerprint = unpack(redis.call('HMGET', want.idempotency, 'name', 'fingerprint'))
  end
  if not name then
    name, job = want.name, job_of(want.name)
    if not job then return nil end
    if is_over(job) then return {'gone'} end
    fingerprint = redis.call('HGET', key(name), 'fingerprint')
  end
  if fingerprint == want.fingerprint then return {'replay', name} end
  return {'mismatch'}
end

-- Why a job with `bytes` of chunks (0: they were staged, so are used) is refused; nil if it is not.
local function refusal(want, bytes)
  local signer = hook_key(want.owner, 'callback')
  if want.callback ~= '' and redis.call('EXISTS', signer) == 0 then return {'unsigned'} end
  local load = queued_images()
  local why, excess = crowded(want.owner, want.total, load, want.max_queued, want.max_owner)
  local more = bytes + promised(want.total, want.weight)
  if not why then why, excess = overfull(more, more, want.memory, want.mark, load) end
  if why then return {why, excess} end
  local open = counted('ink:open', want.owner)
  if open >= want.max_open then return {'many', open} end
end

local function unstage(want)
  local stage, expires = 'ink:stage:' .. want.stage .. ':', text(want.expires + GRACE)
  for c = 0, want.chunks - 1 do
    if redis.call('EXISTS', stage .. 'in:' .. c) == 0 then return false end
  end
  for c = 0, want.chunks - 1 do
    for _, part in ipairs({'in:' .. c, 'names:' .. c}) do
      if redis.call('PEXPIREAT', stage .. part, expires) == 1 then   -- it is there
        redis.call('RENAME', stage .. part, key(want.name, part))
      end
    end
  end
  return true
end

-- Store the chunks of a job, the first of which is ARGV[i].
local function store(want, i, bytes)
  for c = 0, want.chunks - 1 do
    for part, data in pairs({['in:' .. c] = ARGV[i + 2 * c], ['names:' .. c] = ARGV[i + 1 + 2 * c]}) do
      if data ~= '' then redis.call('SET', key(want.name, part), data, 'PX', text(want.ttl_ms + GRACE)) end
    end
  end
  grown = grown + bytes
end

-- Write the hash of a job, and make its first chunks due.
local function write(want, starts, doorbell)
  local name, first = want.name, math.min(want.window, want.chunks)
  want.changed = want.fields
  change(want, 'state', 'queued')
  change(want, 'next', first)
  change(want, 'created', clock)
  change(want, 'expires', text(want.expires))
  change(want, 'born', counted('ink:tokens'))   -- all its leases have later tokens
  for c = 0, first - 1 do make_due(name, want, c) end
  save(name, want)
  redis.call('PEXPIREAT', key(name), text(want.expires + BURIAL))
  if want.chunks > 1 then redis.call('SET', key(name, 'starts'), starts, 'PX', text(want.ttl_ms + BURIAL)) end
  if want.idempotency then
    redis.call('HSET', want.idempotency, 'name', name, 'fingerprint', want.fingerprint)
    redis.call('PEXPIREAT', want.idempotency, text(want.expires))
  end
  local bell = within(bells, want.model)
  bell.wanted, bell.message = (bell.wanted or 0) + first, doorbell
end

-- Put a job into the lists, and count it.
local function list(want)
  -- Scored by the microsecond, so that a page of the list can end between any two jobs.
  later('ZADD', 'ink:owner:' .. want.owner, want.name, text(1000000 * time[1] + time[2] + #verdicts))
  later('ZADD', 'ink:expiry', want.name, want.expires)
  later('ZADD', line_key(want.model, want.lane), want.name, clock)
  add('ink:open', 1, want.owner)
  add_load(want, want.total)
  stat('jobs_accepted', 1)
  stat('images_accepted', want.total)
end

-- Submit the job whose JSON is ARGV[i] and whose arguments end at ARGV[last].
local function submit(i, last)
  local want, bytes = cjson.decode(ARGV[i]), 0
  if is_stranger(want.server) then return {'stranger'} end
  for at = i + 3, last do bytes = bytes + #ARGV[at] end
  local verdict = known(want) or refusal(want, bytes)
  if verdict then return verdict end
  want.expires = now + want.ttl_ms
  if not want.stage then store(want, i + 3, bytes) elseif not unstage(want) then return {'unstaged'} end
  write(want, ARGV[i + 1], ARGV[i + 2])
  list(want)
  return {'new', want.name}
end

local i = 1
while i <= #ARGV do
  local last = i + ARGV[i]
  verdicts[#verdicts + 1], i = submit(i + 1, last), last + 1
end
if queued_images() > counted('ink:peak') then redis.call('SET', 'ink:peak', queued_images()) end
for model, bell in pairs(bells) do ring(model, bell.wanted, bell.message) end
handing = grown > 0 and grown <= HANDED
return verdicts
