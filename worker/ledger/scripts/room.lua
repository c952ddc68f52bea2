-- How much more Redis may hold; shared by every script. Beyond the mark, only work in progress may grow.
--
-- ink:load              images queued in all      ink:queued      hash OWNER -> images queued
-- ink:peak              the most ever queued      ink:load:extra  their weight beyond 1 each

local told, grown = nil, 0   -- what Redis said of its memory in this call, and the bytes stored since
local RESULT = 64   -- bytes of result that a queued image of weight 1 will leave behind

local function ask()
  local info = redis.call('INFO', 'memory')
  local function figure(name)   -- one pattern for the whole line takes ten times as long
    local _, colon = string.find(info, '\n' .. name .. ':', 1, true)
    return colon and tonumber(string.match(info, '^%d+', colon + 1)) or 0
  end
  return {
    used = figure('used_memory') - figure('mem_not_counted_for_evict'),   -- as maxmemory counts
    most = figure('maxmemory'), machine = figure('total_system_memory'),
    empty = figure('used_memory_startup')
  }
end

-- The bytes of result that images of a weight will leave behind.
local function promised(images, weight) return images * weight * RESULT end

-- The bytes that are used or promised, the bytes allowed, and the bytes of an empty Redis. Without
-- maxmemory `limit` counts; if that is 0, the memory of the machine does.
local function memory(limit, mark, load)
  told = told or ask()
  local most = told.most
  if most == 0 then most = limit end
  if most == 0 then most = told.machine end
  local results = promised(load + counted('ink:load:extra'), 1)
  return told.used + grown + results, math.floor(most * mark), told.empty
end

-- The bytes of the largest job that an empty Redis has room for, beside keys, clients and scripts.
local function largest(most, empty) return math.max(0, math.floor(0.9 * (most - empty))) end

local function queued_images() return counted('ink:load') end

-- Why `images` more of an owner cannot be queued, and by how many they exceed the cap; nil if they can.
-- A cap of 0 is none. For more than an empty queue would take: 'never', and the cap.
local function crowded(owner, images, load, max_queued, max_owner)
  local own = counted('ink:queued', owner)
  for _, cap in ipairs({{'full', load, max_queued}, {'quota', own, max_owner}}) do
    local kind, queued, most = unpack(cap)
    if most > 0 and images > most then return 'never', most end
    if most > 0 and queued + images > most then return kind, queued + images - most end
  end
end

-- Why a job of `bytes` in all, of which `more` come now or later, cannot be stored, and by how many bytes;
-- nil if it can. Its results count in both. If it can never be stored: 'large', and the bytes of the
-- largest possible job.
local function overfull(bytes, more, limit, mark, load)
  local used, most, empty = memory(limit, mark, load)
  if bytes > largest(most, empty) then return 'large', largest(most, empty) end
  if used + more > most then return 'memory', used + more - most end
end
