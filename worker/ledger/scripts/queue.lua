-- Every queue at one instant. ARGV: models
-- Answers: for each model {images done lately, seconds with any, lane, ...}, with for each of LANES
--   {jobs, images, chunks due, chunks leased, ms for which the oldest has been due (-1: none)}
local function lane_of(model, lane)
  local due = due_key(model, lane)
  local waiting = redis.call('ZCOUNT', due, '-inf', now)
  local oldest = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2]
  return {
    redis.call('ZCARD', line_key(model, lane)),
    tonumber(redis.call('GET', load_key(model, lane)) or 0),
    waiting, redis.call('ZCARD', due) - waiting,
    waiting > 0 and now - tonumber(oldest) or -1
  }
end

local answer = {}
for i, model in ipairs(ARGV) do
  local images, seconds = done_lately(model)
  answer[i] = {images, seconds}
  for _, lane in ipairs(LANES) do table.insert(answer[i], lane_of(model, lane)) end
end
return answer
