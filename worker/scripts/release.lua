-- Give back a lease unused: the chunk is due at once and the delivery does not count.
-- ARGV: NAME, chunk, token. Answers: 1 if it was ours
local name, c, token = ARGV[1], ARGV[2], ARGV[3]
local run = key(name, 'run')
if redis.call('HGET', run, 'l:' .. c) ~= token then return 0 end
local job = job_of(name)
redis.call('HDEL', run, 'l:' .. c)
local before = redis.call('HINCRBY', run, 'a:' .. c, -1)
redis.call('HINCRBY', key(name), 'running', -size(name, c))
redis.call('ZADD', due_key(job.model, job.lane), 'XX', now, name .. '#' .. c)
if before > 0 then   -- somebody died over it once: it goes out alone
  redis.call('ZADD', lease_key(job.model), 'XX', now, name .. '#' .. c)
else
  redis.call('ZREM', lease_key(job.model), name .. '#' .. c)
end
return 1
