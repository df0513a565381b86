-- Give the jobs of workers that are gone to others, once; a job that ended two workers has failed.
-- ARGV: how often a job may be begun, its error as JSON, seconds for which that is kept,
--       the tokens of one worker that is known to have ended, as a prefix, or ''
-- Returns how many jobs wait now.
local p = KEYS[1]
local now = tonumber(redis.call('TIME')[1])
local lost = redis.call('ZRANGEBYSCORE', p .. 'running', '-inf', now)
if ARGV[4] ~= '' then
  lost = {}
  for _, id in ipairs(redis.call('ZRANGE', p .. 'running', 0, -1)) do
    local token = redis.call('HGET', p .. 'job:' .. id, 'worker')
    if token and string.sub(token, 1, #ARGV[4]) == ARGV[4] then lost[#lost + 1] = id end
  end
end
for _, id in ipairs(lost) do
  local job = p .. 'job:' .. id
  redis.call('ZREM', p .. 'running', id)
  local known = redis.call('HMGET', job, 'attempts', 'client', 'size', 'blobs')
  if known[1] then
    redis.call('HDEL', job, 'worker')
    redis.call('HINCRBY', job, 'version', 1)
    if tonumber(known[1]) < tonumber(ARGV[1]) then
      redis.call('HSET', job, 'state', 'queued', 'stage', 'queued')
      redis.call('ZADD', p .. 'waiting', redis.call('GET', p .. 'turn') or '0', id)
      redis.call('HSET', p .. 'clients', id, known[2])
      redis.call('HSET', p .. 'sizes', id, known[3])
    else
      for name in string.gmatch(known[4], '%S+') do redis.call('DEL', name) end
      redis.call('HSET', job, 'state', 'failed', 'stage', 'failed', 'outcome', ARGV[2],
        'blobs', '')
      redis.call('HDEL', job, 'request')
      redis.call('EXPIRE', job, ARGV[3])
    end
    redis.call('PUBLISH', p .. 'changed', id)
  end
end
return redis.call('ZCARD', p .. 'waiting')
