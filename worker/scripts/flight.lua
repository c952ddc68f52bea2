-- Whether a request may go on under a key or id: one at a time, and not for ever if its gateway dies.
-- ARGV: the key, the request, seconds until it must ask again. Answers: 1 if it may
local holder = redis.call('GET', ARGV[1])
if holder and holder ~= ARGV[2] then return 0 end
redis.call('SET', ARGV[1], ARGV[2], 'EX', ARGV[3])
return 1
