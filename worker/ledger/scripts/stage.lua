-- Store chunks of a job before it is submitted, if there is room for them. Of a job that was submitted
-- before, they will only be compared: its images and their results are counted already.
-- KEYS: one of them exists if it was submitted before
-- ARGV: stage, seconds for which they are kept, owner, the job's images and bytes so far, with these, and
--   the weight of an image; most queued images in all and of the owner (0: no cap), memory where Redis has
--   no maxmemory, mark; then, chunk by chunk: number, packed images and names ('' for none)
-- Answers: {'staged'}, or why not and by how many images or bytes: {'full', n}, {'quota', n},
--   {'memory', n}; {'never', n} or {'large', n}: more than n images or bytes are never taken
local stage, seconds, owner = 'ink:stage:' .. ARGV[1] .. ':', ARGV[2], ARGV[3]
local images, bytes, weight = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local load, results, why, excess = queued_images(), 0, nil, nil
if redis.call('EXISTS', unpack(KEYS)) == 0 then
  why, excess = crowded(owner, images, load, tonumber(ARGV[7]), tonumber(ARGV[8]))
  if why then return {why, excess} end
  results = promised(images, weight)
end

local more = results
for i = 11, #ARGV do more = more + #ARGV[i] end
why, excess = overfull(bytes + results, more, tonumber(ARGV[9]), tonumber(ARGV[10]), load)
if why then return {why, excess} end

for i = 11, #ARGV, 3 do
  redis.call('SET', stage .. 'in:' .. ARGV[i], ARGV[i + 1], 'EX', seconds)
  if ARGV[i + 2] ~= '' then redis.call('SET', stage .. 'names:' .. ARGV[i], ARGV[i + 2], 'EX', seconds) end
end
return {'staged'}
