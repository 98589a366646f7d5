"""Scripts of those who ask: submit, release, cancel, make a delivery, find one's place."""

from exchange.scripts.common import COMMON

SUBMIT = (
    COMMON
    + """
-- a: id job queue j caps{{scope, cap, kind}} ; then the hash
-- -> {'duplicate'} | {'full', kind, cap} | {'held', ahead, running of the user}
local state = 'easel:job:' .. a.job
if redis.call('EXISTS', state) == 1 or redis.call('EXISTS', job_key(a.id)) == 1 then return {'duplicate'} end
for _, cap in ipairs(a.caps) do
  if cap[2] > 0 and count('waiting', cap[1], cap[2]) >= cap[2] then return {'full', cap[3], cap[2]} end
end
redis.call('HSET', 'easel:limits', 'user', a.running_per_user, 'guild', a.running_per_guild)
redis.call('HSET', state, 'state', 'held', 'user', a.j.user, 'guild', a.j.guild, 'queue', a.queue, 'submitted', now,
  'interaction', a.interaction, 'job', a.document)
local tag = create(a.id, a.job, a.queue, a.j, {unpack(ARGV, 2)}, true)
return {'held', redis.call('ZCOUNT', 'easel:' .. a.queue .. ':order', '-inf', string.format('(%.17g', tag)),
  redis.call('SCARD', 'easel:running:user:' .. a.j.user)}
"""
)

RELEASE = (
    COMMON
    + """
-- a: id job channel message -> {was it held, state of the job or ''}
local state = 'easel:job:' .. a.job
local queue = redis.call('HGET', state, 'queue')
if not queue then return {0, ''} end
if a.message ~= '' then redis.call('HSET', state, 'waiting_channel', a.channel, 'waiting_message', a.message) end
if redis.call('ZREM', 'easel:held', a.id) == 0 then return {0, redis.call('HGET', state, 'state')} end
enter(a.id, queue, false)
redis.call('HSET', state, 'state', 'queued')
return {1, 'queued'}
"""
)

CANCEL = (
    COMMON
    + """
-- a: job ids by operator ended -> 'unknown' | 'not_yours' | 'ended' | 'cancelled' | 'stopping'
local state = redis.call('HMGET', 'easel:job:' .. a.job, 'state', 'user')
if not state[1] then return 'unknown' end
if state[2] ~= a.by and not a.operator then return 'not_yours' end
if ENDED[state[1]] then return 'ended' end
local answer = 'ended'
for _, id in ipairs(a.ids) do
  local status, queue, user, guild = unpack(redis.call('HMGET', job_key(id), 'status', 'origin', 'easel_user',
    'easel_guild'))
  if status == 'created' or status == 'queued' or status == 'scheduled' then
    redis.call('ZREM', 'easel:held', id)
    redis.call('ZREM', 'rq:scheduled:' .. queue, id)
    leave(id, queue, user, guild)
    refund(id, queue)
    redis.call('HSET', job_key(id), 'status', 'canceled', 'ended_at', a.ended)
    redis.call('ZADD', 'rq:canceled:' .. queue, now + 3600, id)
    redis.call('EXPIRE', job_key(id), 3600)
    answer = 'cancelled'
  elseif status == 'started' then
    redis.call('HSET', job_key(id), 'easel_cancel', a.by)
    redis.call('PUBLISH', 'easel:cancel', id)
    answer = 'stopping'
  end
end
if answer == 'cancelled' then
  set_state(a.job, 'cancelled', 86400)
  announce(a.job, 'cancelled', 0)
end
return answer
"""
)

ENQUEUE = (
    COMMON
    + """
-- a: id job queue j lease{queue id execution} ; hash -> 1 new, 0 there already, -1 the caller's lease is gone
if a.lease and not redis.call('ZSCORE', 'rq:wip:' .. a.lease[1], a.lease[2] .. ':' .. a.lease[3]) then return -1 end
if redis.call('EXISTS', job_key(a.id)) == 1 then return 0 end
if redis.call('HEXISTS', 'easel:job:' .. a.job, 'posted_message') == 1 then return 0 end
create(a.id, a.job, a.queue, a.j, {unpack(ARGV, 2)}, false)
return 1
"""
)

# Sums the cost before a job without reading the whole queue: after 500 jobs the average stands for the rest.
POSITION = (
    COMMON
    + """
-- a: id -> {status, ahead, cost ahead and own, slots, speed}
local h = redis.call('HMGET', job_key(a.id), 'status', 'easel_cost', 'easel_model', 'easel_began', 'easel_tag',
  'easel_pixels')
if not h[1] then return {''} end
local queue = redis.call('HGET', 'easel:job:' .. a.id, 'queue') or 'render'
local order = 'easel:' .. queue .. ':order'
local rank = redis.call('ZRANK', order, a.id)
if not rank then
  rank = 0
  if h[1] == 'created' then rank = redis.call('ZCOUNT', order, '-inf', '(' .. (h[5] or '0')) end
end
local cost, n = 0, math.min(rank, 500)
if n > 0 then
  for _, id in ipairs(redis.call('ZRANGE', order, 0, n - 1)) do
    cost = cost + tonumber(redis.call('HGET', job_key(id), 'easel_cost') or '0')
  end
  cost = cost * rank / n
end
local own = tonumber(h[2] or '0')
local elapsed = 0
if h[1] == 'started' and h[4] then elapsed = now - tonumber(h[4]) end
-- a worker that was killed stays in RQ's set until another one cleans up, and there may be no other one
local slots = redis.call('SCARD', 'rq:workers:' .. queue)
if slots <= 64 then
  slots = 0
  for _, key in ipairs(redis.call('SMEMBERS', 'rq:workers:' .. queue)) do slots = slots + redis.call('EXISTS', key) end
end
local speeds = redis.call('HMGET', 'easel:speed', (h[3] or '') .. '@' .. (h[6] or '0'), h[3] or '')
local speed = queue == 'render' and (speeds[1] or speeds[2])   -- a post takes no time to speak of
local running = 0
for _, member in ipairs(redis.call('ZRANGE', 'rq:wip:' .. queue, 0, 499)) do
  local id = string.match(member, '^(.*):')
  if id ~= a.id then running = running + tonumber(redis.call('HGET', job_key(id), 'easel_cost') or '0') / 2 end
end
local f = string.format
return {h[1], rank, f('%.6f', cost), f('%.6f', own), f('%.3f', elapsed), f('%.6f', running), slots, speed or ''}
"""
)
