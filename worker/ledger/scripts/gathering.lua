-- Changes of the ledger's counters and lists, gathered and made at a script's end in one command for
-- each counter or list, however many jobs the script is about; shared by every script.

local stored, sums, sums_of, commands = {}, {}, {}, {}
local news = {}

local function within(tables, name)
  local found = tables[name] or {}
  tables[name] = found
  return found
end

-- Add n to a counter: the number at `key`, or in a field of the hash there.
local function add(key, n, field)
  if not field then sums[key] = (sums[key] or 0) + n return end
  local fields = within(sums_of, key)
  fields[field] = (fields[field] or 0) + n
end

-- The value of a counter, including what this script has added.
local function counted(key, field)
  local known = within(stored, key)
  if not field then
    known[1] = known[1] or tonumber(redis.call('GET', key) or 0)
    return known[1] + (sums[key] or 0)
  end
  known[field] = known[field] or tonumber(redis.call('HGET', key, field) or 0)
  return known[field] + (within(sums_of, key)[field] or 0)
end

-- Add n to a statistic, counted since the ledger began; what follows a colon in `field` is a label.
local function stat(field, n) add('ink:stats', n, field) end

local MOST = 1000   -- arguments of one command

-- Add a member to a gathered command: a ZADD or ZREM of `key`, or a DEL (whose key is '').
local function later(command, key, member, score)
  local keys = within(commands, command)
  local call = keys[key]
  if call and #call > MOST then
    redis.call(unpack(call))
    call = nil
  end
  call = call or (key == '' and {command} or {command, key})
  keys[key] = call
  if score then call[#call + 1] = score end
  call[#call + 1] = member
end

-- Notify those who follow a job, in one message per channel: job by job, the lengths of its name and of
-- `extra` (u32 LE), then both.
local function tell(channel, name, extra)
  table.insert(within(news, channel), struct.pack('<I4I4', #name, #extra) .. name .. extra)
end

-- Every script that gathers ends with this.
local function write_gathered()
  for key, n in pairs(sums) do redis.call('INCRBY', key, n) end
  for key, fields in pairs(sums_of) do
    for field, n in pairs(fields) do
      local sum = redis.call('HINCRBY', key, field, n)
      if sum <= 0 and key == 'ink:queued' then redis.call('HDEL', key, field) end   -- of an idle owner
    end
  end
  for _, keys in pairs(commands) do
    for _, call in pairs(keys) do redis.call(unpack(call)) end
  end
  for channel, told in pairs(news) do redis.call('PUBLISH', channel, table.concat(told)) end
  stored, sums, sums_of, commands, news = {}, {}, {}, {}, {}
end
