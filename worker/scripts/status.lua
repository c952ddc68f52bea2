-- A job and its place in the line. ARGV: NAME
-- Answers: {hash, jobs that came before, jobs in line, images in line, {images, seconds} of work lately}
local name = ARGV[1]
local fields = redis.call('HGETALL', key(name))
local model, lane = unpack(redis.call('HMGET', key(name), 'model', 'lane'))
if not model then return {fields, -1, 0, 0, {0, 0}} end
local line = 'ink:line:' .. model .. ':' .. lane
local rank = redis.call('ZRANK', line, name)
local images, seconds = done_lately(model)
return {
  fields, rank or -1, redis.call('ZCARD', line),
  tonumber(redis.call('GET', 'ink:load:' .. model .. ':' .. lane) or 0), {images, seconds}
}
