-- How full everything is. ARGV: memory where Redis has no maxmemory, mark, models
-- Answers: {images queued, unfinished jobs, images per second lately (as text),
--   bytes used or promised, bytes allowed, bytes of an empty Redis, bytes of the largest possible job}
local load, jobs, rate = queued_images(), 0, 0
for i = 3, #ARGV do
  local images, seconds = done_lately(ARGV[i])
  if seconds > 0 then rate = rate + images / seconds end
  for _, lane in ipairs(LANES) do
    jobs = jobs + redis.call('ZCARD', line_key(ARGV[i], lane))
  end
end
local used, most, empty = memory(tonumber(ARGV[1]), tonumber(ARGV[2]), load)
return {load, jobs, tostring(rate), used, most, empty, largest(most, empty)}
