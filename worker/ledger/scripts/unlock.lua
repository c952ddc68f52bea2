-- Release a request's lock of a key or id, if it still holds it. ARGV: the lock, the request
if redis.call('GET', ARGV[1]) == ARGV[2] then redis.call('DEL', ARGV[1]) end
