-- Prolong leases that are still ours. ARGV: lease in ms, then NAME, chunk, token of each
-- Answers: how many were renewed
local lease, kept = tonumber(ARGV[1]), 0
for i = 2, #ARGV, 3 do
  local name, c, token = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if redis.call('HGET', key(name), 'l:' .. c) == token then
    local place = redis.call('HMGET', key(name), 'model', 'lane')
    redis.call('ZADD', due_key(place[1], place[2]), 'XX', now + lease, name .. '#' .. c)
    redis.call('ZADD', lease_key(place[1]), 'XX', now + lease, name .. '#' .. c)
    kept = kept + 1
  end
end
return kept
