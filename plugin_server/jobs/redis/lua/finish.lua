-- Take a worker's answer or error, unless the job is not this worker's any more.
-- ARGV: id, the worker's token, 'done' | 'failed', answer or error as JSON, the answer's blob or '',
--       its size, seconds that it took, seconds for which it is kept, results kept, bytes kept
-- Returns 1, or 0 where nobody wants it.
local p, id = KEYS[1], ARGV[1]
local job = p .. 'job:' .. id
local known = redis.call('HMGET', job, 'state', 'worker', 'blobs', 'keep', 'progress', 'ended')
if known[6] == ARGV[2] then return 1 end  -- it was taken, and only the reply was lost
if known[1] ~= 'running' or known[2] ~= ARGV[2] then return 0 end
local progress = ARGV[3] == 'done' and '1' or known[5]
redis.call('HSET', job, 'state', ARGV[3], 'stage', ARGV[3], 'progress', progress,
  'outcome', ARGV[4], 'body', ARGV[5], 'blobs', '',
  'ended', ARGV[2])
redis.call('HDEL', job, 'worker', 'request')
redis.call('HINCRBY', job, 'version', 1)
redis.call('ZREM', p .. 'running', id)
for name in string.gmatch(known[3], '%S+') do redis.call('DEL', name) end
redis.call('EXPIRE', job, ARGV[8])
if ARGV[3] == 'done' then
  local usual = tonumber(redis.call('GET', p .. 'usual') or '1')
  redis.call('SET', p .. 'usual', tostring(usual + 0.1 * (tonumber(ARGV[7]) - usual)))
end
if known[4] == '1' then
  local now = redis.call('TIME')
  redis.call('ZADD', p .. 'finished', tonumber(now[1]) + tonumber(now[2]) / 1000000, id)
  redis.call('HSET', p .. 'kept', id, ARGV[6])
  local old = redis.call('ZRANGEBYSCORE', p .. 'finished', '-inf', now[1] - tonumber(ARGV[8]))
  local count, bytes = redis.call('ZCARD', p .. 'finished'), 0
  for _, size in ipairs(redis.call('HVALS', p .. 'kept')) do bytes = bytes + tonumber(size) end
  while #old > 0 or count > tonumber(ARGV[9]) or bytes > tonumber(ARGV[10]) do
    local gone = table.remove(old, 1) or redis.call('ZRANGE', p .. 'finished', 0, 0)[1]
    bytes = bytes - tonumber(redis.call('HGET', p .. 'kept', gone) or '0')
    count = count - 1
    redis.call('ZREM', p .. 'finished', gone)
    redis.call('HDEL', p .. 'kept', gone)
    local body = redis.call('HGET', p .. 'job:' .. gone, 'body')
    if body and body ~= '' then redis.call('DEL', body) end
    redis.call('DEL', p .. 'job:' .. gone)
  end
end
redis.call('PUBLISH', p .. 'changed', id)
return 1
