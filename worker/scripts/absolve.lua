-- The worker that noted these images or blocks as in hand lives: Redis was away, no image is to blame.
-- ARGV: NAME, chunk, images or blocks
local suspects = key(ARGV[1], 'suspects:' .. ARGV[2])
for i = 3, #ARGV do
  local touched, by = string.match(redis.call('HGET', suspects, ARGV[i]) or '', '^(%d+) by (%d+)$')
  if touched == '1' then redis.call('HDEL', suspects, ARGV[i])
  elseif touched then redis.call('HSET', suspects, ARGV[i], (touched - 1) .. ' by ' .. by) end
end
