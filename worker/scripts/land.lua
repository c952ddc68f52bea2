-- A request is over, and another may begin under the same key or id. ARGV: the key, the request
if redis.call('GET', ARGV[1]) == ARGV[2] then redis.call('DEL', ARGV[1]) end
return 1
