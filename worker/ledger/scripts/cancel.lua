-- Cancel a job: chunks that are not leased at once, leased ones if they come back uncommitted.
-- ARGV: NAME. Answers: 'missing', or the job's new state
local name = ARGV[1]
local job = job_of(name)
if not job then return 'missing' end
if is_over(job) then return 'expired' end
if TERMINAL[job.state] then return job.state end
change(job, 'state', 'canceling')
if job.next < job.chunks then
  if not job.keep then
    for c = job.next, job.chunks - 1 do later('DEL', '', key(name, 'in:' .. c)) end
  end
  local first = bounds(name, job, job.next)
  settle(job, 'canceled', job.total - first)
end
change(job, 'next', job.chunks)
for _, item in ipairs(under_way(name)) do
  if not item.leased then drop(name, job, item.chunk, false) end
end
save_or_close(name, job)
return job.state
