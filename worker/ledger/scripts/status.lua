-- A job and its place in the line. ARGV: NAME
-- Answers: {hash, jobs ahead of it, jobs in line, images in line, {images, seconds} of recent work}
local name = ARGV[1]
local job = job_of(name)
if not job then return {{}, -1, 0, 0, {0, 0}} end
if is_over(job) then return {{'state', 'expired'}, -1, 0, 0, {0, 0}} end
local fields = redis.call('HGETALL', key(name))
local line = line_key(job.model, job.lane)
local rank = redis.call('ZRANK', line, name)
local images, seconds = done_lately(job.model)
return {
  fields, rank or -1, redis.call('ZCARD', line),
  tonumber(redis.call('GET', load_key(job.model, job.lane)) or 0), {images, seconds}
}
