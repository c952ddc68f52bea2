-- Give back an unused lease: the chunk is due at once, and the delivery does not count.
-- ARGV: NAME, chunk, token. Answers: 1 if it was ours
local name, c, token = ARGV[1], ARGV[2], ARGV[3]
local job = job_of(name, c)
if not job or job.token ~= token then return 0 end
local before = job.deliveries - 1
redis.call('HDEL', key(name), 'l:' .. c)
change(job, 'a:' .. c, before)
change(job, 'running', job.running - size(name, job, c))
save(name, job)
redis.call('ZADD', due_key(job.model, job.lane), 'XX', now, name .. '#' .. c)
if before > 0 then   -- a worker died over it once: it goes out alone
  redis.call('ZADD', lease_key(job.model), 'XX', now, name .. '#' .. c)
else
  redis.call('ZREM', lease_key(job.model), name .. '#' .. c)
end
return 1
