"""Scripts that put right what nobody holds any more."""

from exchange.scripts.common import COMMON

RECOVER = (
    COMMON
    + """
-- a: queues held_s pause_s -> {retried, released, due, id, execution, queue, why, id, ...}: the rest can only be failed
-- with pause_s, a fleet that calls this from every process does it once in so many seconds all the same
if a.pause_s and not redis.call('SET', 'easel:recovered', 1, 'NX', 'PX', math.floor(a.pause_s * 1000)) then
  return {0, 0, 0}
end
local retried, released, due, ended = 0, 0, 0, {}
for _, q in ipairs(a.queues) do
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', 'rq:wip:' .. q, 0, now, 'LIMIT', 0, 200)) do
    local id, execution = string.match(member, '^(.*):([^:]+)$')
    local h = redis.call('HMGET', job_key(id), 'status', 'retries_left', 'easel_cancel', 'worker_name', 'easel_job',
      'easel_user', 'easel_guild')
    if h[1] ~= 'started' then drop_lease(id, q, execution, h[4], h[6], h[7])
    elseif h[3] or tonumber(h[2] or '0') <= 0 then
      for _, v in ipairs({id, execution, q, h[3] and 'canceled' or 'failed'}) do ended[#ended + 1] = v end
    else
      drop_lease(id, q, execution, h[4], h[6], h[7])
      redis.call('HINCRBY', job_key(id), 'retries_left', -1)
      enter(id, q, true)
      set_state(h[5], q == 'render' and 'queued' or 'delivering')
      retried = retried + 1
    end
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'rq:scheduled:' .. q, 0, now, 'LIMIT', 0, 200)) do
    redis.call('ZREM', 'rq:scheduled:' .. q, id)
    if redis.call('HGET', job_key(id), 'status') == 'scheduled' then enter(id, q, true); due = due + 1 end
  end
  for _, registry in ipairs({'finished', 'failed', 'canceled'}) do
    redis.call('ZREMRANGEBYSCORE', 'rq:' .. registry .. ':' .. q, 0, now)
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'easel:held', 0, now - a.held_s, 'LIMIT', 0, 200)) do
  redis.call('ZREM', 'easel:held', id)
  local h = redis.call('HMGET', job_key(id), 'status', 'origin', 'easel_job')
  if h[1] == 'created' then
    enter(id, h[2], false)
    set_state(h[3], 'queued')
    released = released + 1
  end
end
for _, key in ipairs(redis.call('SMEMBERS', 'rq:workers')) do
  if redis.call('EXISTS', key) == 0 then
    redis.call('SREM', 'rq:workers', key)
    for _, q in ipairs(a.queues) do redis.call('SREM', 'rq:workers:' .. q, key) end
  end
end
return {retried, released, due, unpack(ended)}
"""
)

# Only for a process that is known to be dead: its leases end now instead of when they would have run out.
BURY = (
    COMMON
    + """
-- a: queues prefix -> leases ended
local n = 0
for _, q in ipairs(a.queues) do
  for _, member in ipairs(redis.call('ZRANGE', 'rq:wip:' .. q, 0, -1)) do
    local worker = redis.call('HGET', 'rq:execution:' .. member, 'worker_name')
    if worker and string.sub(worker, 1, #a.prefix) == a.prefix then
      redis.call('ZADD', 'rq:wip:' .. q, 'XX', 0, member)
      n = n + 1
    end
  end
end
local stem = 'rq:worker:' .. a.prefix
for _, key in ipairs(redis.call('SMEMBERS', 'rq:workers')) do
  if string.sub(key, 1, #stem) == stem then
    redis.call('DEL', key, key .. ':executions')
    redis.call('SREM', 'rq:workers', key)
    for _, q in ipairs(a.queues) do redis.call('SREM', 'rq:workers:' .. q, key) end
  end
end
return n
"""
)
