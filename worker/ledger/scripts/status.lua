-- A job and its place in the line. ARGV: NAME
-- Answers: {hash, jobs ahead of it, jobs in line, images in line, {images done, in so many seconds}}

-- The images of a model that were done since the first job in line came, and in how many whole seconds,
-- from the first in which any were: before, there may have been no job or no worker, so that these
-- seconds say nothing about how fast workers are.
local function pace(model, line)
  local first = redis.call('ZRANGE', line, 0, 0, 'WITHSCORES')[2]
  local seconds = first and math.min(10, math.floor(now / 1000) - math.ceil(first / 1000)) or 0
  if seconds < 1 then return {0, 0} end
  local images, _, oldest = done_lately(model, seconds)
  return {images, oldest}
end

local name = ARGV[1]
local job = job_of(name)
if not job then return {{}, -1, 0, 0, {0, 0}} end
if is_over(job) then return {{'state', 'expired'}, -1, 0, 0, {0, 0}} end
local line = line_key(job.model, job.lane)
return {
  redis.call('HGETALL', key(name)), redis.call('ZRANK', line, name) or -1, redis.call('ZCARD', line),
  tonumber(redis.call('GET', load_key(job.model, job.lane)) or 0), pace(job.model, line)
}
