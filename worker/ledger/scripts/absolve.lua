-- Take back the suspicion of images or blocks: the worker that had them in hand lives.
-- ARGV: NAME, chunk, token, images or blocks
local suspects = suspects_key(ARGV[1], ARGV[2])
for i = 4, #ARGV do
  local tokens = other_tokens(suspects, ARGV[i], ARGV[3])
  if #tokens == 0 then
    redis.call('HDEL', suspects, ARGV[i])
  else
    redis.call('HSET', suspects, ARGV[i], table.concat(tokens, ' '))
  end
end
