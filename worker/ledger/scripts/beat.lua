-- Note that a worker or sender is alive. ARGV: the list of such processes, its id; for a worker also
--   what it reports of itself, as pairs of field and value
redis.call('ZADD', ARGV[1], clock, ARGV[2])
if #ARGV > 2 then
  local own = 'ink:worker:' .. ARGV[2]
  redis.call('HSET', own, unpack(ARGV, 3))
  redis.call('HSETNX', own, 'ready', clock)
  redis.call('EXPIRE', own, 60)
end
