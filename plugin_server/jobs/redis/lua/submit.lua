-- Admit a job, or say why there is no room. With ARGV[9] == 'ask' nothing is written.
-- ARGV: id, client, size, request, blobs, keep, places that wait, bytes that wait, 'ask' | 'put',
--       seconds for which a worker counts as alive, seconds for which a job may wait
-- Returns 'ok' and the worker count, or 'full' | 'own' | 'bytes', the number, the limit, seconds.
local p = KEYS[1]
local now = tonumber(redis.call('TIME')[1])
local room, most = tonumber(ARGV[7]), tonumber(ARGV[8])
local size = tonumber(ARGV[3])
if redis.call('EXISTS', p .. 'job:' .. ARGV[1]) == 1 then return {'ok', 0, 0, 0} end  -- sent again
local waiting = redis.call('ZCARD', p .. 'waiting')
local admitted = waiting + redis.call('ZCARD', p .. 'running')
local workers = redis.call('ZCOUNT', p .. 'workers', now - tonumber(ARGV[10]), '+inf')
local places = math.max(workers, 1)
local usual = tonumber(redis.call('GET', p .. 'usual') or '1')
local seconds = math.min(math.max(math.floor(usual * admitted / places / 4 + 0.5), 1), 60)

if admitted >= room + places then
  return {'full', admitted, room + places, seconds}
end
if waiting > 0 then
  local own, held = 0, 0
  for _, client in ipairs(redis.call('HVALS', p .. 'clients')) do
    if client == ARGV[2] then own = own + 1 end
  end
  if own > 0 and admitted >= room + places - math.floor(room / 4) then
    return {'own', own, 0, seconds}
  end
  for _, bytes in ipairs(redis.call('HVALS', p .. 'sizes')) do held = held + tonumber(bytes) end
  if held + size > most then return {'bytes', held, most, seconds} end
else
  redis.call('DEL', p .. 'turn', p .. 'turns', p .. 'clients', p .. 'sizes')
end
if ARGV[9] == 'ask' then return {'ok', workers, 0, 0} end

-- Fair turns (start-time fair queueing, Goyal et al. 1996): a job's turn is the present one, or one
-- after its client's last; the number behind the point keeps equal turns in the order they came.
local present = tonumber(redis.call('GET', p .. 'turn') or '0')
local last = tonumber(redis.call('HGET', p .. 'turns', ARGV[2]) or '-1')
local turn = math.max(present, last + 1)
local number = redis.call('INCR', p .. 'number') % 1000000
redis.call('HSET', p .. 'turns', ARGV[2], turn)
redis.call('ZADD', p .. 'waiting', turn + number / 1000000, ARGV[1])
redis.call('HSET', p .. 'clients', ARGV[1], ARGV[2])
redis.call('HSET', p .. 'sizes', ARGV[1], size)
local job = p .. 'job:' .. ARGV[1]
redis.call('HSET', job, 'state', 'queued', 'stage', 'queued', 'progress', '0', 'version', 0,
  'client', ARGV[2], 'size', size, 'request', ARGV[4], 'blobs', ARGV[5], 'keep', ARGV[6],
  'attempts', 0)
redis.call('EXPIRE', job, ARGV[11])
return {'ok', workers, 0, 0}
