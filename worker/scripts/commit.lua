-- Record the results of a chunk, once. A second commit changes nothing, and is compared: 'different' is
-- what says something else of an image. Its bytes may differ all the same, since a network adds up in
-- another order where a chunk that was delivered again is read image by image. A lease that is lost may
-- commit still, but not one of a job that was deleted and whose name another job has now.
-- ARGV: NAME, chunk, token, packed results, succeeded, failed, packed images worth keeping ('' for none),
--   then type and number of failures, pair by pair
-- Answers: 'new', 'duplicate', 'different' or 'gone'
local name, c, token, results = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local succeeded, failed, kept = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local job = job_of(name)
if not job or is_over(job) or token <= job.born then return 'gone' end

local NOISE = 1e-5   -- of a probability
local HEAD = 7       -- bytes before the records of packed results (see results.py)

-- Whether the record at `place` says the same in both: what became of the image, and how it was read.
local function same_record(one, other, place, k)
  local read, classes = string.byte(one, place) == 0, place + 2
  if string.byte(one, place) ~= string.byte(other, place) then return false end
  if read and string.byte(one, classes) ~= string.byte(other, classes) then return false end
  for p = classes + k, classes + 5 * k - 1, 4 do
    if math.abs(struct.unpack('<f', one, p) - struct.unpack('<f', other, p)) > NOISE then return false end
  end
  return true
end

local function same_results(one, other)
  if one == other then return true end
  if string.sub(one, 1, HEAD) ~= string.sub(other, 1, HEAD) then return false end
  local k, images = struct.unpack('<BI4', one, 3)
  for i = 0, images - 1 do
    if not same_record(one, other, HEAD + 1 + i * (2 + 5 * k), k) then return false end
  end
  return true
end

local out = key(name, 'out')
local standing = redis.call('HGET', out, c)
if standing then
  local verdict = same_results(standing, results) and 'duplicate' or 'different'
  stat('commits_' .. verdict, 1)
  return verdict
end
if TERMINAL[job.state] or redis.call('HEXISTS', key(name, 'run'), 'd:' .. c) == 0 then return 'gone' end

redis.call('HSET', out, c, results)
redis.call('PEXPIREAT', out, job.expires + GRACE)
put_away(name, job, c)
local before = job.succeeded + job.failed
settle(name, job, 'succeeded', succeeded)
settle(name, job, 'failed', failed)
note(name, job, 'c', c, 'n', before)
for i = 8, #ARGV, 2 do stat('failures:' .. ARGV[i], ARGV[i + 1]) end
if kept ~= '' then
  redis.call('SET', key(name, 'in:' .. c), kept, 'KEEPTTL')
elseif not job.keep then
  redis.call('DEL', key(name, 'in:' .. c))
end
local second = 'ink:done:' .. job.model .. ':' .. math.floor(now / 1000)
redis.call('INCRBY', second, succeeded + failed)
redis.call('EXPIRE', second, 60)

if job.state ~= 'canceling' and job.next < job.chunks then
  make_due(name, job, job.next)
  redis.call('HINCRBY', key(name), 'next', 1)
end
if not close_if_done(name, job) then tell(name) end
return 'new'
