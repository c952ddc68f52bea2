-- Stop a job: what is not under way is canceled now, what is leased when it comes back.
-- ARGV: NAME. Answers: 'missing', or the state after
local name = ARGV[1]
local job = job_of(name)
if not job then return 'missing' end
if is_over(job) then return 'expired' end
if TERMINAL[job.state] then return job.state end
redis.call('HSET', key(name), 'state', 'canceling', 'next', job.chunks)
job.state = 'canceling'
if job.next < job.chunks then
  for c = job.next, job.chunks - 1 do redis.call('DEL', key(name, 'in:' .. c)) end
  local first = bounds(name, job.next)
  settle(name, job, 'canceled', job.total - first)
end
for _, item in ipairs(under_way(name)) do
  if not item.leased then drop(name, job, item.chunk) end
end
close_if_done(name, job)
spread_news()
return redis.call('HGET', key(name), 'state')
