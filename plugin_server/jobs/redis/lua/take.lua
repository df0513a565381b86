-- Give the job whose turn it is to a worker, for as long as the worker renews its lease.
-- ARGV: the worker's token for this job, seconds of the lease
-- Returns id, request, blobs, attempts; or nothing.
local p = KEYS[1]
while true do
  local first = redis.call('ZPOPMIN', p .. 'waiting')
  if #first == 0 then return {} end
  local id, turn = first[1], math.floor(tonumber(first[2]))
  local job = p .. 'job:' .. id
  redis.call('HDEL', p .. 'clients', id)
  redis.call('HDEL', p .. 'sizes', id)
  if redis.call('EXISTS', job) == 1 then
    if turn > tonumber(redis.call('GET', p .. 'turn') or '0') then
      redis.call('SET', p .. 'turn', turn)
    end
    local now = tonumber(redis.call('TIME')[1])
    local attempts = redis.call('HINCRBY', job, 'attempts', 1)
    redis.call('HINCRBY', job, 'version', 1)
    redis.call('HSET', job, 'state', 'running', 'stage', 'running', 'worker', ARGV[1])
    redis.call('ZADD', p .. 'running', now + tonumber(ARGV[2]), id)
    redis.call('PUBLISH', p .. 'changed', id)
    local known = redis.call('HMGET', job, 'request', 'blobs')
    return {id, known[1], known[2], attempts}
  end
end
