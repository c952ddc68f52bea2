-- Count a stream among an owner's for one lease. ARGV: OWNER, most (0: count it in any case), lease in ms,
--   streams. Answers: 1, or 0 if there are `most` already
local seats, most, lease = 'ink:streams:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', seats, '-inf', now)
if most > 0 and redis.call('ZCARD', seats) >= most then return 0 end
for i = 4, #ARGV do redis.call('ZADD', seats, now + lease, ARGV[i]) end
redis.call('PEXPIRE', seats, lease)
return 1
