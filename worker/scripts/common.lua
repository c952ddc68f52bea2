-- Shared by every script of the ledger (prepended to each). Times are milliseconds of Redis's clock.
--
-- ink:job:NAME          hash: state, counts, options        ink:job:NAME:starts  u32 a chunk
-- ink:job:NAME:in:C     packed images of chunk C            ink:job:NAME:out     hash C -> results
-- ink:job:NAME:run      hash of what is under way: d:C due, l:C lease token, a:C deliveries
-- ink:job:NAME:suspects:C  hash image or block -> workers that had it in hand and died: N by TOKEN
-- ink:job:NAME:events  stream: c and n, a committed chunk and the images done before; at last `end`
-- ink:job:NAME:corrections  hash image -> the label that a person gave it
-- ink:due:MODEL:LANE    zset of NAME#C by when it may be claimed: only a commit removes a chunk
-- ink:lingering         zset of workers without work by how long they linger    ink:wake:ID  list: for what
-- ink:leases:MODEL      zset of NAME#C by when its lease ends, so that those that ended are found at once

local TERMINAL = {
  succeeded = true, partially_failed = true, failed = true, canceled = true, expired = true
}
local LANES = {'interactive', 'bulk'}
local GRACE = 3600000      -- images and results outlive their job by this much, should upkeep be late
local BURIAL = 7776000000  -- hash, starts and run by 90 days: all may be off for long, and upkeep needs
                           -- them to give back what the job holds (load, line) and to tell of its end
local TOMBSTONE = 86400    -- seconds for which an expired job is still known to have been
local ALIVE = 10000        -- a worker is alive this long after its last heartbeat

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function key(name, part) return 'ink:job:' .. name .. (part and (':' .. part) or '') end

local function due_key(model, lane) return 'ink:due:' .. model .. ':' .. lane end

local function lease_key(model) return 'ink:leases:' .. model end

-- The index of the first image of chunk c, and of the one after it.
local function bounds(name, c)
  return struct.unpack('<I4I4', redis.call('GETRANGE', key(name, 'starts'), 4 * c, 4 * c + 7))
end

local function size(name, c)
  local first, after = bounds(name, c)
  return after - first
end

-- Counters since the ledger began; what is behind a colon is a label.
local function stat(field, n) redis.call('HINCRBY', 'ink:stats', field, n) end

-- Images of a model that were done in the last 10 s, and in how many of these seconds any were.
local function done_lately(model)
  local names, images, seconds = {}, 0, 0
  for ago = 1, 10 do names[ago] = 'ink:done:' .. model .. ':' .. math.floor(now / 1000) - ago end
  for _, done in ipairs(redis.call('MGET', unpack(names))) do
    if done then images, seconds = images + tonumber(done), seconds + 1 end
  end
  return images, seconds
end

local function workers_alive()
  return math.max(1, redis.call('ZCOUNT', 'ink:workers', now - ALIVE, '+inf'))
end

-- Put doorbells in a Celery queue until there are as many as are wanted.
local function ring_in(queue, wanted, message)
  for _ = 1, wanted - redis.call('LLEN', queue) do
    local tag = string.format('bell-%d', redis.call('INCR', 'ink:bells'))
    redis.call('LPUSH', queue, (string.gsub(message, '@TAG@', tag)))
  end
end

-- Wake a worker that lingers. Should it die of it, upkeep rings for what stays due.
local function wake(worker, model)
  redis.call('ZREM', 'ink:lingering', worker)
  redis.call('LPUSH', 'ink:wake:' .. worker, model)
  redis.call('EXPIRE', 'ink:wake:' .. worker, 5)
end

local function serves(worker, model)
  local models = redis.call('HGET', 'ink:worker:' .. worker, 'models')
  return models and string.find(',' .. models .. ',', ',' .. model .. ',', 1, true)
end

-- Wake as many workers as could find work of a model: first those that linger, who hear it at once.
local function ring(model, wanted, message)
  wanted = math.min(wanted, workers_alive())
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', 'ink:lingering', now, '+inf')) do
    if wanted > 0 and serves(worker, model) then
      wake(worker, model)
      wanted = wanted - 1
    end
  end
  ring_in('drain.' .. model, wanted, message)
end

local function make_due(name, job, c)
  redis.call('HSET', key(name, 'run'), 'd:' .. c, 1)
  redis.call('PEXPIREAT', key(name, 'run'), job.expires + BURIAL)
  redis.call('ZADD', due_key(job.model, job.lane), now, name .. '#' .. c)
end

local function job_of(name)
  local fields = redis.call('HMGET', key(name), 'state', 'model', 'lane', 'owner', 'total',
    'succeeded', 'failed', 'canceled', 'next', 'chunks', 'expires', 'keep', 'born', 'weight')
  if not fields[1] then return nil end
  return {
    state = fields[1], model = fields[2], lane = fields[3], owner = fields[4],
    total = tonumber(fields[5]), succeeded = tonumber(fields[6]), failed = tonumber(fields[7]),
    canceled = tonumber(fields[8]), next = tonumber(fields[9]), chunks = tonumber(fields[10]),
    expires = tonumber(fields[11]), keep = fields[12] == '1',
    born = tonumber(fields[13] or 0), weight = tonumber(fields[14] or 1)   -- of an image, see jobs.py
  }
end

-- Whether the time of a job is over. Until upkeep buries it, what is left of it is nobody's to read.
local function is_over(job) return job.state == 'expired' or job.expires <= now end

local function lighten(job, n)
  redis.call('DECRBY', 'ink:load', n)
  redis.call('DECRBY', 'ink:load:' .. job.model .. ':' .. job.lane, n)
  if job.weight > 1 then redis.call('DECRBY', 'ink:load:extra', n * (job.weight - 1)) end
  if redis.call('HINCRBY', 'ink:queued', job.owner, -n) <= 0 then
    redis.call('HDEL', 'ink:queued', job.owner)
  end
end

-- n images of a job are done with: counted as `field`, no longer a load.
local function settle(name, job, field, n)
  if n == 0 then return end
  job[field] = redis.call('HINCRBY', key(name), field, n)
  lighten(job, n)
  stat('images_' .. field, n)
end

-- Chunk c is no longer under way.
local function put_away(name, job, c)
  local run = key(name, 'run')
  redis.call('ZREM', due_key(job.model, job.lane), name .. '#' .. c)
  redis.call('ZREM', lease_key(job.model), name .. '#' .. c)
  local leased = redis.call('HEXISTS', run, 'l:' .. c) == 1
  redis.call('HDEL', run, 'd:' .. c, 'a:' .. c, 'l:' .. c)
  redis.call('DEL', key(name, 'suspects:' .. c))
  if leased then
    redis.call('HINCRBY', key(name), 'running', -size(name, c))
  end
end

-- What happened to a job is written down for those who follow it; `fields` name it.
local function note(name, job, ...)
  redis.call('XADD', key(name, 'events'), '*', ...)
  redis.call('PEXPIREAT', key(name, 'events'), job.expires + GRACE)
end

-- What a script has to tell of jobs goes out at its end, in one message a channel however many they are:
-- the length of a name and of what is said with it (u32 LE), then both, job by job.
local news = {['ink:changed'] = {}, ['ink:ended'] = {}}

local function tell(channel, name, said)
  table.insert(news[channel], struct.pack('<I4I4', #name, #said) .. name .. said)
end

local function spread_news()
  for _, channel in ipairs({'ink:changed', 'ink:ended'}) do
    if #news[channel] > 0 then redis.call('PUBLISH', channel, table.concat(news[channel])) end
  end
end
