-- Which workers are alive, how fast they read, and how they are woken; shared by every script.

-- The images of a model that were done in the last 10 s (or `most`), in how many of these seconds any
-- were, and how many seconds ago the first were.
local function done_lately(model, most)
  local names, images, seconds, oldest = {}, 0, 0, 0
  for ago = 1, most or 10 do names[ago] = 'ink:done:' .. model .. ':' .. math.floor(now / 1000) - ago end
  for ago, done in ipairs(redis.call('MGET', unpack(names))) do
    if done then images, seconds, oldest = images + tonumber(done), seconds + 1, ago end
  end
  return images, seconds, oldest
end

local function workers_alive()
  return math.max(1, redis.call('ZCOUNT', 'ink:workers', now - ALIVE, '+inf'))
end

-- Put doorbells into a Celery queue until it holds as many as wanted.
local function ring_in(queue, wanted, message)
  if wanted <= 0 then return end
  for _ = 1, wanted - redis.call('LLEN', queue) do
    local tag = string.format('bell-%d', redis.call('INCR', 'ink:bells'))
    redis.call('LPUSH', queue, (string.gsub(message, '@TAG@', tag)))
  end
end

local woken, handing = {}, false

-- Wake a lingering worker at the end of the script. If it dies, upkeep rings for what stays due.
local function wake(worker, model)
  redis.call('ZREM', 'ink:lingering', worker)
  woken[worker] = model
end

-- Pack claims into a string that is no model's name: a NUL, then each field after its length (u32 LE).
local function pack_claims(claims)
  local parts = {'\0'}
  for _, claim in ipairs(claims) do
    for _, field in ipairs(claim) do
      local value = tostring(field or '')
      parts[#parts + 1] = struct.pack('<I4', #value) .. value
    end
  end
  return table.concat(parts)
end

-- What is due for a woken worker, claimed for it here by `work` (claim.lua), which saves it a call, and
-- packed; nil if nothing is due, or if its budget and lease are not known.
local function handed(work, worker, model)
  local budget, lease = unpack(redis.call('HMGET', 'ink:worker:' .. worker, 'budget', 'lease'))
  if not (budget and lease) then return nil end
  local claims = work({model, budget, lease, worker})
  write_gathered()
  return #claims > 0 and pack_claims(claims) or nil
end

-- Every script that wakes workers ends with this.
local function wake_all(work)
  for worker, model in pairs(woken) do
    redis.call('LPUSH', 'ink:wake:' .. worker, handing and handed(work, worker, model) or model)
    redis.call('EXPIRE', 'ink:wake:' .. worker, 5)
  end
end

local function serves(worker, model)
  local models = redis.call('HGET', 'ink:worker:' .. worker, 'models')
  return models and string.find(',' .. models .. ',', ',' .. model .. ',', 1, true)
end

-- Wake as many workers as can find work for a model: first those that linger, which hear it at once.
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
