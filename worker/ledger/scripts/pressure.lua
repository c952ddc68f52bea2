-- How full everything is. ARGV: memory where Redis has no maxmemory, mark, models
-- Answers: {images queued, images per second lately (as text), bytes used or promised, bytes allowed,
--   bytes of an empty Redis, bytes of the largest possible job}
local load, rate = queued_images(), 0
for i = 3, #ARGV do
  local images, seconds = done_lately(ARGV[i])
  if seconds > 0 then rate = rate + images / seconds end
end
local used, most, empty = memory(tonumber(ARGV[1]), tonumber(ARGV[2]), load)
return {load, tostring(rate), used, most, empty, largest(most, empty)}
