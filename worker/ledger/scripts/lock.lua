-- Lock a key or id for a request, or prolong its lock; if its gateway dies, the lock expires.
-- ARGV: the lock, the request, seconds until it expires. Answers: 1 if it is this request's
local holder = redis.call('GET', ARGV[1])
if holder and holder ~= ARGV[2] then return 0 end
redis.call('SET', ARGV[1], ARGV[2], 'EX', ARGV[3])
return 1
