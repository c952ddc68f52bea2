-- Delete an endpoint; what was still to be sent there fails. ARGV: OWNER, HOOK, the request
-- Answers: 1 if it existed
local deleted = 'ink:deleted:' .. ARGV[1] .. '/' .. ARGV[2]
if redis.call('GET', deleted) == ARGV[3] then return 1 end   -- asked again: the answer was lost
if redis.call('DEL', hook_key(ARGV[1], ARGV[2])) == 0 then return 0 end
redis.call('ZREM', 'ink:hooks:' .. ARGV[1], ARGV[2])
redis.call('SET', deleted, ARGV[3], 'EX', 60)
return 1
