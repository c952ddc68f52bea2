-- Forget a finished job. ARGV: NAME. Answers: 'missing', 'deleted', or the state that forbids it
local name = ARGV[1]
local job = job_of(name)
if not job or is_over(job) then return 'missing' end
if not TERMINAL[job.state] then return job.state end
wipe(name, job)
redis.call('DEL', key(name))
return 'deleted'
