-- What happened to a job since an event that is known already. ARGV: NAME, its id, how many at most
-- Answers: {id of the newest event ('' for none), {images, ms} of work lately, {id, fields} of each}
local RECENT = 10000   -- ms that the rate is taken over
local events = key(ARGV[1], 'events')
local newest = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
if not newest then return {'', {0, 0}, {}} end

local started, succeeded, failed =
  unpack(redis.call('HMGET', key(ARGV[1]), 'started', 'succeeded', 'failed'))
local since, images = math.max(now - RECENT, tonumber(started or now)), 0
local first = redis.call('XRANGE', events, string.format('%d', since), '+', 'COUNT', 1)[1]
if first and first[2][1] == 'c' then images = (succeeded or 0) + (failed or 0) - first[2][4] end
return {
  newest[1], {images, now - since},
  redis.call('XRANGE', events, '(' .. ARGV[2], '+', 'COUNT', ARGV[3])
}
