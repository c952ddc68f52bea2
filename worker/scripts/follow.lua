-- What happened to a job since an event that is known already. ARGV: NAME, its id, how many at most
-- Answers: {id of the newest event ('' for none), {images, ms} of work lately, {id, fields} of each}
local RECENT = 10000   -- ms that the rate is taken over
local events = key(ARGV[1], 'events')
local newest = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
if not newest then return {'', {0, 0}, {}} end

local started = tonumber(redis.call('HGET', key(ARGV[1]), 'started') or now)
local since, images = math.max(now - RECENT, started), 0
for _, entry in ipairs(redis.call('XRANGE', events, string.format('%d', since), '+')) do
  if entry[2][1] == 'c' then images = images + tonumber(entry[2][4]) end
end
return {
  newest[1], {images, now - since},
  redis.call('XRANGE', events, '(' .. ARGV[2], '+', 'COUNT', ARGV[3])
}
