-- A worker or sender is alive. ARGV: where such processes are listed, its id; for a worker what it says of
--   itself, field and value, pair by pair
redis.call('ZADD', ARGV[1], clock, ARGV[2])
if #ARGV > 2 then
  local own = 'ink:worker:' .. ARGV[2]
  redis.call('HSET', own, unpack(ARGV, 3))
  redis.call('HSETNX', own, 'ready', clock)
  redis.call('EXPIRE', own, 60)
end
