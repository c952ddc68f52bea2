-- Shared by the scripts of the ledger. Times are milliseconds of Redis's clock.
--
-- ink:job:NAME          hash: state, counts (0 if absent), options; and for a chunk C under way d:C (it
--                       is due or leased), l:C (the token of its lease) and a:C (deliveries)
-- ink:job:NAME:in:C     packed images of chunk C            ink:job:NAME:out     hash C -> results
-- ink:job:NAME:starts   u32 a chunk, if there are several
-- ink:job:NAME:hands:C  hash image or block -> tokens of the leases whose workers had it in hand and died
-- ink:job:NAME:events  stream: c and n, a committed chunk and the images done before; at last `end`
-- ink:job:NAME:corrections  hash image -> the label that a person gave it
-- ink:due:MODEL:LANE    zset of NAME#C by when it may be claimed: a claim only postpones that
-- ink:lingering         zset of idle workers by when they stop lingering   ink:wake:ID  list: what for
-- ink:leases:MODEL      zset of NAME#C by when its lease ends, so that expired ones are found at once

local TERMINAL = {
  succeeded = true, partially_failed = true, failed = true, canceled = true, expired = true
}
local LANES = {'interactive', 'bulk'}
local GRACE = 3600000      -- images and results outlive their job by this, in case upkeep is late
local BURIAL = 7776000000  -- hash and starts outlive it by 90 days: all may be off for long, and upkeep
                           -- needs them to give back what it holds (load, line) and to announce its end
local TOMBSTONE = 86400    -- seconds for which an expired job is still known to have existed
local ALIVE = 10000        -- a worker is alive this long after its last heartbeat

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- A whole number as text: Redis's own conversion of a Lua number takes three times as long.
local function text(n) return string.format('%d', n) end

local clock = text(now)

-- Pull entries of a sorted set that lie beyond `most` back to `limit`. They are from before Redis's
-- clock was set back, and would otherwise end only when the old time comes again.
local function pull_back(list, most, limit)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', list, '(' .. text(most), '+inf', 'LIMIT', 0, 1000)) do
    redis.call('ZADD', list, text(limit), member)
  end
end

local MOST_LEASES = 10   -- a lease may be so many times this process's, since settings may differ

-- The same for leases: they end one lease from now, so that live workers can renew them.
local function pull_back_leases(list, lease) pull_back(list, now + MOST_LEASES * lease, now + lease) end

local function key(name, part) return 'ink:job:' .. name .. (part and (':' .. part) or '') end

local function due_key(model, lane) return 'ink:due:' .. model .. ':' .. lane end

local function lease_key(model) return 'ink:leases:' .. model end

local function line_key(model, lane) return 'ink:line:' .. model .. ':' .. lane end

local function load_key(model, lane) return 'ink:load:' .. model .. ':' .. lane end

local function suspects_key(name, c) return key(name, 'hands:' .. c) end

-- The tokens of leases, other than `own`, whose workers died with the image or block `what` in hand.
local function other_tokens(suspects, what, own)
  local tokens = {}
  for token in string.gmatch(redis.call('HGET', suspects, what) or '', '%d+') do
    if token ~= own then tokens[#tokens + 1] = token end
  end
  return tokens
end

-- A job, with the state of its chunk c if given; nil if there is none. Change it by `change` and `save`.
local function job_of(name, c)
  c = c or ''   -- no chunk has that name
  local fields = redis.call('HMGET', key(name), 'state', 'model', 'lane', 'owner', 'total',
    'succeeded', 'failed', 'canceled', 'running', 'next', 'chunks', 'expires', 'keep', 'born', 'weight',
    'callback', 'quiet', 'options', 'labels', 'd:' .. c, 'l:' .. c, 'a:' .. c)
  if not fields[1] then return nil end
  return {
    state = fields[1], model = fields[2], lane = fields[3], owner = fields[4],
    total = tonumber(fields[5]), succeeded = tonumber(fields[6] or 0), failed = tonumber(fields[7] or 0),
    canceled = tonumber(fields[8] or 0), running = tonumber(fields[9] or 0), next = tonumber(fields[10]),
    chunks = tonumber(fields[11]), expires = tonumber(fields[12]), keep = fields[13] == '1',
    born = tonumber(fields[14] or 0), weight = tonumber(fields[15] or 1),   -- of an image, see jobs.py
    callback = fields[16], quiet = fields[17] == '1', options = fields[18],
    labels = fields[19], due = fields[20], token = fields[21], deliveries = tonumber(fields[22] or 0),
    changed = {}
  }
end

-- Change a field of a job: at once in `job`, in the ledger by `save`.
local function change(job, field, value)
  local changed = job.changed
  job[field], changed[#changed + 1], changed[#changed + 2] = value, field, value
end

local function save(name, job)
  if #job.changed > 0 then redis.call('HSET', key(name), unpack(job.changed)) end
  job.changed = {}
end

-- Whether a job has expired. Even before upkeep buries it, nobody may read what is left of it.
local function is_over(job) return job.state == 'expired' or job.expires <= now end

-- The index of the first image of chunk c of a job, and of the one after it.
local function bounds(name, job, c)
  if job.chunks == 1 then return 0, job.total end
  return struct.unpack('<I4I4', redis.call('GETRANGE', key(name, 'starts'), 4 * c, 4 * c + 7))
end

local function size(name, job, c)
  local first, after = bounds(name, job, c)
  return after - first
end
