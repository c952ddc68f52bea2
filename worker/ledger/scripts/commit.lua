-- Record the results of chunks, each once. A second commit changes nothing, but is compared: it is
-- 'different' if it says something else about an image. Its bytes alone may differ, since a network sums
-- in another order when a redelivered chunk is read image by image. A lost lease may still commit,
-- unless its job was deleted and another job has the name now.
-- ARGV: the number of histogram fields to add to if any chunk is new, then field and increment of each;
--   then, chunk by chunk: NAME, chunk, token, packed results, succeeded, failed, packed images to keep
--   ('' for none), the number of types of failures, then type and number of each
-- Answers, chunk by chunk: 'new', 'duplicate', 'different' or 'gone'
local NOISE = 1e-5   -- of a probability
local SKIP = 3       -- bytes of a record before its k classes and k probabilities (worker/ledger/packing.py)
local PLACE = 20     -- bytes of the place of a character on a page

-- The parts of packed results: a head; from byte `first` on, `records` records of one size; `places`,
-- the sizes of the pages followed by the places of their characters.
local function opened(results)
  local k, images, pages = struct.unpack('<BI4I4', results, 3)
  local it, characters = {k = k, first = 12 + 4 * pages}, 0
  for i = 0, pages - 1 do characters = characters + struct.unpack('<I4', results, 12 + 4 * i) end
  it.records = images + characters
  local after = it.first + it.records * (SKIP + 5 * k)
  it.places = string.sub(results, 12, it.first - 1) .. string.sub(results, after, after + PLACE * characters - 1)
  return it
end

-- Whether two records say the same: what became of the image, its likeliest class and the probabilities.
local function same_record(k, one, from, other, to)
  local read, classes, shift = string.byte(one, from) == 0, from + SKIP, to - from
  if string.byte(one, from) ~= string.byte(other, to) then return false end
  if read and string.byte(one, classes) ~= string.byte(other, classes + shift) then return false end
  for p = classes + k, classes + 5 * k - 1, 4 do
    local a, b = struct.unpack('<f', one, p), struct.unpack('<f', other, p + shift)
    if math.abs(a - b) > NOISE then return false end
  end
  return true
end

local function same_results(one, other)
  if one == other then return true end
  local a, b = opened(one), opened(other)
  if a.k ~= b.k or a.records ~= b.records or a.places ~= b.places then return false end
  for i = 0, a.records - 1 do
    local at = i * (SKIP + 5 * a.k)
    if not same_record(a.k, one, a.first + at, other, b.first + at) then return false end
  end
  return true
end

local done = {}   -- the number of images by key, see done_lately

-- The verdict on a chunk that is no longer under way.
local function compare(name, c, results)
  local standing = redis.call('HGET', key(name, 'out'), c)
  if not standing then return 'gone' end
  local verdict = same_results(standing, results) and 'duplicate' or 'different'
  stat('commits_' .. verdict, 1)
  return verdict
end

local function record(name, c, token, results, succeeded, failed, kept)
  local job = job_of(name, c)
  if not job or is_over(job) or token <= job.born then return 'gone' end
  if not job.due or TERMINAL[job.state] then return compare(name, c, results) end

  redis.call('HSET', key(name, 'out'), c, results)
  redis.call('PEXPIREAT', key(name, 'out'), text(job.expires + GRACE))
  put_away(name, job, c, job.token)
  local before = job.succeeded + job.failed
  settle(job, 'succeeded', succeeded)
  settle(job, 'failed', failed)
  note(name, job, 'c', c, 'n', before)
  if kept ~= '' then
    redis.call('SET', key(name, 'in:' .. c), kept, 'KEEPTTL')
  elseif not job.keep then
    later('DEL', '', key(name, 'in:' .. c))
  end
  local second = 'ink:done:' .. job.model .. ':' .. math.floor(now / 1000)
  done[second] = (done[second] or 0) + succeeded + failed

  if job.state ~= 'canceling' and job.next < job.chunks then
    make_due(name, job, job.next)
    change(job, 'next', job.next + 1)
  end
  save_or_close(name, job, results)
  return 'new'
end

local verdicts, first, new = {}, 2 + 2 * ARGV[1], false
local i = first
while i <= #ARGV do
  local name, c, token, results, succeeded, failed, kept, types = unpack(ARGV, i, i + 7)
  local verdict = record(name, c, tonumber(token), results, tonumber(succeeded), tonumber(failed), kept)
  verdicts[#verdicts + 1], i, new = verdict, i + 8, new or verdict == 'new'
  for _ = 1, tonumber(types) do
    if verdict == 'new' then stat('failures:' .. ARGV[i], ARGV[i + 1]) end
    i = i + 2
  end
end
for at = 2, new and first - 1 or 0, 2 do redis.call('HINCRBY', 'ink:measures', ARGV[at], ARGV[at + 1]) end
for second, images in pairs(done) do
  redis.call('INCRBY', second, images)
  redis.call('EXPIRE', second, 60)
end
return verdicts
