-- Acquire or renew places in an owner's semaphore of event streams, each for one lease.
-- ARGV: OWNER, most (0: renew, in any case), lease in ms, streams. Answers: 1, or 0 if `most` are taken by
--   others
local held, most, lease = 'ink:streams:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', held, '-inf', now)
pull_back_leases(held, lease)
local ours = redis.call('ZSCORE', held, ARGV[4])   -- asked again, since the answer was lost
if most > 0 and not ours and redis.call('ZCARD', held) >= most then return 0 end
for i = 4, #ARGV do redis.call('ZADD', held, now + lease, ARGV[i]) end
redis.call('PEXPIRE', held, lease)
return 1
