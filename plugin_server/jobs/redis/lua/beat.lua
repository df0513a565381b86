-- Renew a worker's lease on a job and say how far the work is.
-- ARGV: id, the worker's token, seconds of the lease, stage, progress
-- Returns 1, or 0 where the job was cancelled or is another worker's by now.
local p, id = KEYS[1], ARGV[1]
local job = p .. 'job:' .. id
local known = redis.call('HMGET', job, 'state', 'worker', 'stage', 'progress')
if known[1] ~= 'running' or known[2] ~= ARGV[2] then return 0 end
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', p .. 'running', now + tonumber(ARGV[3]), id)
local progress = math.max(tonumber(known[4]), tonumber(ARGV[5]))
if ARGV[4] ~= '' and (known[3] ~= ARGV[4] or progress >= tonumber(known[4]) + 0.01) then
  redis.call('HSET', job, 'stage', ARGV[4], 'progress', tostring(progress))
  redis.call('HINCRBY', job, 'version', 1)
  redis.call('PUBLISH', p .. 'changed', id)
end
return 1
