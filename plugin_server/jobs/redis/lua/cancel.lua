-- Stop a job that waits or runs; forget one that is finished.
-- ARGV: id, seconds for which its state is kept
local p, id = KEYS[1], ARGV[1]
local job = p .. 'job:' .. id
local known = redis.call('HMGET', job, 'state', 'blobs', 'body')
if not known[1] then return 0 end
for name in string.gmatch((known[2] or '') .. ' ' .. (known[3] or ''), '%S+') do
  redis.call('DEL', name)
end
if known[1] ~= 'queued' and known[1] ~= 'running' then
  redis.call('DEL', job)
  redis.call('ZREM', p .. 'finished', id)
  redis.call('HDEL', p .. 'kept', id)
  return 1
end
redis.call('ZREM', p .. 'waiting', id)
redis.call('ZREM', p .. 'running', id)
redis.call('HDEL', p .. 'clients', id)
redis.call('HDEL', p .. 'sizes', id)
redis.call('HSET', job, 'state', 'cancelled', 'stage', 'cancelled', 'blobs', '')
redis.call('HDEL', job, 'worker', 'request')
redis.call('HINCRBY', job, 'version', 1)
redis.call('EXPIRE', job, ARGV[2])
redis.call('PUBLISH', p .. 'changed', id)
return 1
