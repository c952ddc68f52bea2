-- The worker that noted these images or blocks as in hand lives: Redis was away, no image is to blame.
-- ARGV: NAME, chunk, images or blocks
local suspects = suspects_key(ARGV[1], ARGV[2])
for i = 3, #ARGV do
  local touched, by = suspicion(suspects, ARGV[i])
  if touched == 1 then redis.call('HDEL', suspects, ARGV[i])
  elseif touched then redis.call('HSET', suspects, ARGV[i], (touched - 1) .. ' by ' .. by) end
end
