-- Take a token from an owner's bucket. ARGV: OWNER, tokens a second, tokens in a full bucket
-- Answers: {1 if there was one, tokens left, ms until the next token, ms until the bucket is full}
local bucket, rate, most = 'ink:rate:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local here = tonumber(time[1]) * 1000000 + tonumber(time[2])
local each = 1000000 / rate

-- All that is stored is when the bucket will be full again (us): each token that is taken postpones it.
local function keep(full)
  redis.call('SET', bucket, string.format('%.0f', here + full), 'PX', math.ceil(full / 1000))
end

local full = math.max(here, tonumber(redis.call('GET', bucket) or 0)) - here
if full > most * each then   -- the rate was lower, or Redis's clock was set back: take it as empty
  full = most * each
  keep(full)
end
local wait = full + each - most * each
if wait >= 1 then return {0, 0, math.ceil(wait / 1000), math.ceil(full / 1000)} end
full = full + each
keep(full)
local left = math.floor(most - full / each)
return {1, left, left > 0 and 0 or math.ceil((full + each - most * each) / 1000), math.ceil(full / 1000)}
