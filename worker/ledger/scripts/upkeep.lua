-- Ring for what is due and unclaimed; turn expired jobs into tombstones.
-- ARGV: a doorbell for senders, lease in ms, then pairs of model and doorbell
-- Answers: how many jobs expired
local WIPED = 20000   -- chunks of expired jobs after which the rest waits for the next call; the last job is
                      -- wiped whole, so a call wipes up to as many more as a job has
local lease = tonumber(ARGV[2])

for i = 3, #ARGV, 2 do
  for _, list in ipairs({due_key(ARGV[i], LANES[1]), due_key(ARGV[i], LANES[2]), lease_key(ARGV[i])}) do
    pull_back_leases(list, lease)
  end
end
for _, list in ipairs({'ink:workers', 'ink:senders', 'ink:lingering'}) do pull_back(list, now + ALIVE, now) end
for _, lane in ipairs(redis.call('ZRANDMEMBER', 'ink:outbox', 32)) do
  rewind_lane(lane)
end

ring_senders(ARGV[1])
for i = 3, #ARGV, 2 do
  local waiting = 0
  for _, lane in ipairs(LANES) do
    waiting = waiting + redis.call('ZCOUNT', due_key(ARGV[i], lane), '-inf', now)
  end
  ring(ARGV[i], waiting, ARGV[i + 1])
end

local expired, wiped = 0, 0
for _, name in ipairs(redis.call('ZRANGEBYSCORE', 'ink:expiry', '-inf', now, 'LIMIT', 0, 16)) do
  if wiped >= WIPED then break end
  expired = expired + 1
  local job = job_of(name)
  if job and job.state ~= 'expired' then
    if not TERMINAL[job.state] then
      for _, item in ipairs(under_way(name)) do put_away(name, job, item.chunk, false) end
      local unread = job.total - job.succeeded - job.failed - job.canceled
      add_load(job, -unread)
      stat('images_expired', unread)
      take_leave(name, job, 'expired')
    end
    wipe(name, job)
    wiped = wiped + job.chunks
    redis.call('DEL', key(name))
    redis.call('HSET', key(name), 'state', 'expired')
    redis.call('EXPIRE', key(name), TOMBSTONE)
    stat('jobs_expired', 1)
    tell('ink:ended', name, '')
  else
    redis.call('ZREM', 'ink:expiry', name)
  end
end
redis.call('ZREMRANGEBYSCORE', 'ink:workers', '-inf', now - 6 * ALIVE)
redis.call('ZREMRANGEBYSCORE', 'ink:lingering', '-inf', now - ALIVE)
redis.call('ZREMRANGEBYSCORE', 'ink:senders', '-inf', now - 6 * ALIVE)
return expired
