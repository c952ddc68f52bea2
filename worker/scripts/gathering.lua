-- What a script does to the ledger's counters and lists, shared by every script: it is gathered, and done
-- at its end in one command a counter or list, however many jobs the script is about.

local stored, sums, commands = {}, {}, {}
local news = {['ink:changed'] = {}, ['ink:ended'] = {}}

local function within(tables, name)
  local found = tables[name] or {}
  tables[name] = found
  return found
end

-- n more in a counter: a number at `key`, or in a field of the hash there.
local function add(key, n, field)
  local fields = within(sums, key)
  fields[field or ''] = (fields[field or ''] or 0) + n
end

-- What a counter is, with what was added here.
local function counted(key, field)
  local fields, place = within(stored, key), field or ''
  if not fields[place] then
    local value
    if field then value = redis.call('HGET', key, field) else value = redis.call('GET', key) end
    fields[place] = tonumber(value or 0)
  end
  return fields[place] + (within(sums, key)[place] or 0)
end

-- Counters since the ledger began; what is behind a colon is a label.
local function stat(field, n) add('ink:stats', n, field) end

-- Give a command one more member, too: a ZADD or ZREM of `key`, or a DEL (whose key is '').
local function later(command, key, member, score)
  local arguments = within(within(commands, command), key)
  if score then arguments[#arguments + 1] = score end
  arguments[#arguments + 1] = member
end

-- Those who follow a job hear in one message a channel: the length of a name and of what is said with it
-- (u32 LE), then both, job by job.
local function tell(channel, name, said)
  table.insert(news[channel], struct.pack('<I4I4', #name, #said) .. name .. said)
end

local function write_sums()
  for key, fields in pairs(sums) do
    for field, n in pairs(fields) do
      if field == '' then
        redis.call('INCRBY', key, n)
      elseif redis.call('HINCRBY', key, field, n) <= 0 and key == 'ink:queued' then
        redis.call('HDEL', key, field)   -- of an owner who has nothing queued any more
      end
    end
  end
end

local MOST = 1000   -- arguments of a command

local function write_commands()
  for command, keys in pairs(commands) do
    for key, arguments in pairs(keys) do
      for i = 1, #arguments, MOST do
        local some = {unpack(arguments, i, math.min(i + MOST - 1, #arguments))}
        if key ~= '' then table.insert(some, 1, key) end
        redis.call(command, unpack(some))
      end
    end
  end
end

-- Every script ends with this.
local function write_gathered()
  write_sums()
  write_commands()
  for channel, told in pairs(news) do
    if #told > 0 then redis.call('PUBLISH', channel, table.concat(told)) end
    news[channel] = {}
  end
  stored, sums, commands = {}, {}, {}
end
