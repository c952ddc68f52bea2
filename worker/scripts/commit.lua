-- Record the results of a chunk, once. A second commit changes nothing, and is compared. A lease that is
-- lost may commit still, but not one of a job that was deleted and whose name another job has now.
-- ARGV: NAME, chunk, token, packed results, succeeded, failed, packed images worth keeping ('' for none),
--   then type and number of failures, pair by pair
-- Answers: 'new', 'duplicate', 'different' or 'gone'
local name, c, token, results = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local succeeded, failed, kept = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local job = job_of(name)
if not job or is_over(job) or token <= job.born then return 'gone' end

local out = key(name, 'out')
local standing = redis.call('HGET', out, c)
if standing then
  local verdict = standing == results and 'duplicate' or 'different'
  stat('commits_' .. verdict, 1)
  return verdict
end
if TERMINAL[job.state] or redis.call('HEXISTS', key(name, 'run'), 'd:' .. c) == 0 then return 'gone' end

redis.call('HSET', out, c, results)
redis.call('PEXPIREAT', out, job.expires + GRACE)
put_away(name, job, c)
local before = job.succeeded + job.failed
settle(name, job, 'succeeded', succeeded)
settle(name, job, 'failed', failed)
note(name, job, 'c', c, 'n', before)
for i = 8, #ARGV, 2 do stat('failures:' .. ARGV[i], ARGV[i + 1]) end
if kept ~= '' then
  redis.call('SET', key(name, 'in:' .. c), kept, 'KEEPTTL')
elseif not job.keep then
  redis.call('DEL', key(name, 'in:' .. c))
end
local second = 'ink:done:' .. job.model .. ':' .. math.floor(now / 1000)
redis.call('INCRBY', second, succeeded + failed)
redis.call('EXPIRE', second, 60)

if job.state ~= 'canceling' and job.next < job.chunks then
  make_due(name, job, job.next)
  redis.call('HINCRBY', key(name), 'next', 1)
end
if not close_if_done(name, job) then tell(name) end
return 'new'
