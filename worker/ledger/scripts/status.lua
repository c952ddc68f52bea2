-- A job and its place in the line. ARGV: NAME
-- Answers: {hash, jobs ahead of it, jobs in line, images in line, {images, seconds} of recent work}
local name = ARGV[1]
local job = job_of(name)
if not job then return {{}, -1, 0, 0, {0, 0}} end
if is_over(job) then return {{'state', 'expired'}, -1, 0, 0, {0, 0}} end
local line = line_key(job.model, job.lane)
return {
  redis.call('HGETALL', key(name)), redis.call('ZRANK', line, name) or -1, redis.call('ZCARD', line),
  tonumber(redis.call('GET', load_key(job.model, job.lane)) or 0), {done_lately(job.model)}
}
