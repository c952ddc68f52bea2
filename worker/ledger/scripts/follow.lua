-- The events of a job after a known one. ARGV: NAME, the known event's id, how many at most
-- Answers: {id of the newest event ('' for none), {images, ms} of recent work, {id, fields} of each}
local RECENT = 10000   -- ms over which the rate is measured
local events = key(ARGV[1], 'events')

-- Note the events of a finished job of one chunk, now that somebody asks: all happened in one step.
local function note_late(name, job, ended)
  if redis.call('HEXISTS', key(name, 'out'), 0) == 1 then
    redis.call('XADD', events, ended .. '-0', 'c', 0, 'n', 0)
  end
  redis.call('XADD', events, ended .. '-1', 'end', job.state)
  redis.call('PEXPIREAT', events, text(job.expires + GRACE))
end

local newest = redis.call('XREVRANGE', events, '+', '-', 'COUNT', 1)[1]
local job = job_of(ARGV[1])
local started, ended = unpack(redis.call('HMGET', key(ARGV[1]), 'started', 'ended'))
if not newest and job and ended and not is_over(job) then
  note_late(ARGV[1], job, ended)
  newest = {ended .. '-1'}
end
if not newest or not job then return {'', {0, 0}, {}} end

local since, images = math.max(now - RECENT, tonumber(started or now)), 0
local first = redis.call('XRANGE', events, text(since), '+', 'COUNT', 1)[1]
if first and first[2][1] == 'c' then images = job.succeeded + job.failed - first[2][4] end
return {
  newest[1], {images, now - since},
  redis.call('XRANGE', events, '(' .. ARGV[2], '+', 'COUNT', ARGV[3])
}
