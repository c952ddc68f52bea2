-- Delete a finished job. ARGV: NAME, the request
-- Answers: 'missing', 'deleted', or the state that forbids it
local name, deleted = ARGV[1], 'ink:deleted:' .. ARGV[1]
if redis.call('GET', deleted) == ARGV[2] then return 'deleted' end   -- asked again: the answer was lost
local job = job_of(name)
if not job or is_over(job) then return 'missing' end
if not TERMINAL[job.state] then return job.state end
wipe(name, job)
redis.call('DEL', key(name))
redis.call('SET', deleted, ARGV[2], 'EX', 60)
return 'deleted'
