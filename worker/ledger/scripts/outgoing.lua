-- The outbox at one instant, as far as its first MOST lanes.
-- Answers: {senders alive, webhooks to be sent, ms for which the oldest has been due (-1: none is)}
local MOST = 10000   -- lanes that are looked at
local waiting, first = 0, nil
for _, lane in ipairs(redis.call('ZRANGE', 'ink:outbox', 0, MOST - 1)) do
  waiting = waiting + redis.call('ZCARD', 'ink:outbox:' .. lane)
  local due = tonumber(redis.call('ZRANGE', 'ink:outbox:' .. lane, 0, 0, 'WITHSCORES')[2])
  if due then first = math.min(first or due, due) end
end
local alive = redis.call('ZCOUNT', 'ink:senders', now - ALIVE, '+inf')
return {alive, waiting, first and first <= now and now - first or -1}
