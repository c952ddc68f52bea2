-- Forget an endpoint; what was still to be sent there fails. ARGV: OWNER, HOOK. Answers: 1 if it existed
redis.call('ZREM', 'ink:hooks:' .. ARGV[1], ARGV[2])
return redis.call('DEL', hook_key(ARGV[1], ARGV[2]))
