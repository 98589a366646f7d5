"""Scripts of those who work: claim a job, keep its lease, say how it ended."""

from exchange.scripts.common import COMMON

# A caller's retry finds its first claim again by the execution it chose, so a lost reply costs nothing.
_CLAIMING = """
local NEEDED = {'data', 'origin', 'timeout', 'retries_left', 'status', 'result_ttl', 'failure_ttl', 'easel_job',
  'easel_model'}
local function found(id)
  local out = {'job', id}
  for i, value in ipairs(redis.call('HMGET', job_key(id), unpack(NEEDED))) do
    if value then out[#out + 1] = NEEDED[i]; out[#out + 1] = value end
  end
  return out
end
-- a: queue worker execution lease_s started must prefer models max_pixels version patience_s skip_limit scan
-- -> {'job', id, hash...} | {'empty'} | {'blocked'} | {'suspended'}
local function claim(a)
  local q, worker = a.queue, 'rq:worker:' .. a.worker
  local list, order, arrivals = 'rq:queue:' .. q, 'easel:' .. q .. ':order', 'easel:' .. q .. ':arrivals'
  local before = redis.call('HMGET', worker, 'easel_execution', 'easel_claim')
  if before[1] == a.execution and redis.call('ZSCORE', 'rq:wip:' .. q, before[2] .. ':' .. a.execution) then
    return found(before[2])
  end
  if redis.call('EXISTS', 'rq:suspended') == 1 then return {'suspended'} end
  local length = redis.call('LLEN', list)
  if length == 0 then
    redis.call('DEL', order, arrivals, 'easel:' .. q .. ':ends')
    redis.call('HDEL', 'easel:' .. q .. ':pressed', 'spent')
    return {'empty'}
  end
  if length > redis.call('ZCARD', order) then        -- pushed by RQ's own tools: give them a place
    local seen = {}
    for _, id in ipairs(redis.call('LRANGE', list, 0, 9999)) do
      if seen[id] or redis.call('HGET', job_key(id), 'status') ~= 'queued' then redis.call('LREM', list, -1, id)
      elseif not redis.call('ZSCORE', order, id) then
        redis.call('LREM', list, 1, id)
        enter(id, q, true)
      end
      seen[id] = true
    end
  end
  local caps = {}
  if q == 'render' then
    local limits = redis.call('HMGET', 'easel:limits', 'user', 'guild')
    caps = {user = tonumber(limits[1] or '0'), guild = tonumber(limits[2] or '0')}
  end
  local models
  if a.models ~= '' then models = {}; for name in string.gmatch(a.models, '[^,]+') do models[name] = true end end
  local full = {}
  local function under_caps(user, guild)
    for kind, value in pairs({user = user, guild = guild}) do
      local cap = caps[kind]
      if value and value ~= '' and cap and cap > 0 then
        local scope = kind .. ':' .. value
        if full[scope] == nil then full[scope] = count('running', scope, cap) >= cap end
        if full[scope] then return false end
      end
    end
    return true
  end
  -- 'no' | 'yes' | 'other': of a model that would have to be loaded, or would have to wait for the batch to run out
  local wanted = a.must ~= '' and a.must or a.prefer
  local function verdict(id)
    local h = redis.call('HMGET', job_key(id), 'easel_user', 'easel_guild', 'easel_model', 'easel_name', 'easel_pixels',
      'easel_version', 'status', 'easel_begin', 'easel_returns', 'easel_claims', 'easel_job', 'easel_skipped',
      'easel_share')
    local job = {user = h[1], guild = h[2], status = h[7], begin = tonumber(h[8] or '0'), returns = h[9],
      claims = tonumber(h[10] or '0'), job = h[11], skipped = h[12], share = tonumber(h[13] or '0')}
    if tonumber(h[6] or '0') > a.version then return 'no', job end
    if models and h[4] and h[4] ~= '' and not models[h[4]] then return 'no', job end
    if a.max_pixels > 0 and tonumber(h[5] or '0') > a.max_pixels then return 'no', job end
    if not under_caps(h[1], h[2]) then return 'no', job end
    if wanted ~= '' and h[3] and h[3] ~= '' and h[3] ~= wanted then return 'other', job end
    return 'yes', job
  end
  local function take(id, job, by_age)
    local listed = leave(id, q, job.user, job.guild)
    if not listed or job.status ~= 'queued' then return nil end
    local member, expiry = id .. ':' .. a.execution, now + a.lease_s
    if tonumber(job.returns or '0') > 0 then
      redis.call('HINCRBYFLOAT', 'easel:' .. q .. ':pressed', 'spent', '-' .. job.returns)
    end
    -- the fair clock: what each of those who wait would have been served by now, had the work gone to all of them; at
    -- least the start of whoever is next, but whoever is served by age was not next, and newcomers must not pay for it
    local clock = tonumber(redis.call('GET', 'easel:' .. q .. ':virtual') or '0') + job.share / length
    if not by_age then clock = math.max(clock, job.begin) end
    redis.call('SET', 'easel:' .. q .. ':virtual', clock)
    redis.call('ZREMRANGEBYSCORE', 'easel:' .. q .. ':ends', '-inf', clock)
    redis.call('ZADD', 'rq:wip:' .. q, expiry, member)
    redis.call('HSET', 'rq:execution:' .. member, 'id', a.execution, 'job_id', id, 'worker_name', a.worker,
      'created_at', now, 'last_heartbeat', now)
    redis.call('EXPIRE', 'rq:execution:' .. member, 86400)
    redis.call('ZADD', 'rq:executions:' .. id, expiry + 60, a.execution)
    redis.call('EXPIRE', 'rq:executions:' .. id, 86400)
    redis.call('SADD', worker .. ':executions', member)
    redis.call('HSET', worker, 'state', 'busy', 'easel_execution', a.execution, 'easel_claim', id)
    redis.call('HSET', job_key(id), 'status', 'started', 'worker_name', a.worker, 'started_at', a.started,
      'last_heartbeat', a.started, 'easel_began', now, 'easel_claims', job.claims + 1)
    if job.skipped then redis.call('HDEL', job_key(id), 'easel_skipped') end
    redis.call('PERSIST', job_key(id))
    if q == 'render' then mark('running', id, true, job.user, job.guild) end
    if job.job then
      set_state(job.job, q == 'render' and 'running' or 'delivering')
      if q == 'render' then announce(job.job, 'started', 0) end
    end
    return found(id)
  end
  -- passed over often enough: a running batch admits nobody else and runs out, an idle worker changes its model
  local function starves(job)
    local skipped = tonumber(job.skipped or '0')
    return skipped >= a.skip_limit and skipped >= 4 * redis.call('SCARD', 'rq:workers:' .. q)
  end
  -- ageing: one claim in four goes to whoever has waited longest, once that is longer than patience
  local turn = redis.call('INCR', 'easel:' .. q .. ':turn') % 4 == 0
  if turn or wanted ~= '' then
    local oldest, arrived = unpack(redis.call('ZRANGE', arrivals, 0, 0, 'WITHSCORES'))
    if oldest and now - tonumber(arrived) > a.patience_s then
      local v, job = verdict(oldest)
      if v == 'other' and a.must ~= '' then
        if turn then redis.call('HSET', job_key(oldest), 'easel_skipped', 1e9) end
        if turn or starves(job) then return {'blocked'} end
      elseif v == 'other' and starves(job) or v ~= 'no' and turn then
        local got = take(oldest, job, true)
        if got then return got end
      end
    end
  end
  local head, heads                                   -- first in order, but of another model
  for from = 0, a.scan - 1, 32 do
    local ids = redis.call('ZRANGE', order, from, math.min(from + 31, a.scan - 1))
    if #ids == 0 then break end
    for _, id in ipairs(ids) do
      local v, job = verdict(id)
      if v == 'yes' then
        local got = take(id, job)
        if got then
          if head then redis.call('HINCRBY', job_key(head), 'easel_skipped', 1) end
          return got
        end
      elseif v == 'other' and not head then
        head, heads = id, job
        if starves(job) then
          if a.must ~= '' then return {'blocked'} end
          local got = take(id, job)
          if got then return got end
        end
      end
    end
  end
  if head and a.must == '' then
    local got = take(head, heads)
    if got then return got end
  end
  return {redis.call('LLEN', list) == 0 and 'empty' or 'blocked'}
end
"""

CLAIM = COMMON + _CLAIMING + "return claim(a)"

BEAT = (
    COMMON
    + """
-- a: lease_s leases{{queue, id, execution}} -> per lease 1 (renewed), 2 (renewed, shall stop) or 0 (lost)
local out = {}
for i, lease in ipairs(a.leases) do
  local member = lease[2] .. ':' .. lease[3]
  if redis.call('ZSCORE', 'rq:wip:' .. lease[1], member) then
    redis.call('ZADD', 'rq:wip:' .. lease[1], 'XX', now + a.lease_s, member)
    redis.call('ZADD', 'rq:executions:' .. lease[2], 'XX', now + a.lease_s + 60, lease[3])
    redis.call('HSET', 'rq:execution:' .. member, 'last_heartbeat', now)
    out[i] = redis.call('HEXISTS', job_key(lease[2]), 'easel_cancel') == 1 and 2 or 1
  else out[i] = 0 end
end
return out
"""
)

# The one place where an outcome is written: only the holder of the lease may, so a late one changes nothing.
FINISH = (
    COMMON
    + _CLAIMING
    + """
-- a: queue id execution worker how('finished'|'failed'|'canceled'|'retry'|'back') delay_s ttl ended result next claim
-- `next` ({id job queue j}, its hash follows) is an RQ job that comes into being with this outcome; `claim` is what
-- CLAIM takes, for the same slot's next job -> {1, answer to `claim`}, or {0} when the lease is gone
if not redis.call('ZSCORE', 'rq:wip:' .. a.queue, a.id .. ':' .. a.execution) then return {0} end
local worker = 'rq:worker:' .. a.worker
local key = job_key(a.id)
local h = redis.call('HMGET', key, 'easel_job', 'easel_model', 'easel_cost', 'easel_began', 'easel_pixels',
  'easel_claims', 'easel_user', 'easel_guild')
local user, guild = h[7], h[8]
drop_lease(a.id, a.queue, a.execution, a.worker, user, guild)
local counter = a.how == 'finished' and 'successful_job_count' or 'failed_job_count'
local done = redis.call('HMGET', worker, 'birth', counter, 'total_working_time')
if done[1] then
  redis.call('HSET', worker, 'state', 'idle', counter, tonumber(done[2] or '0') + 1, 'total_working_time',
    string.format('%.6f', tonumber(done[3] or '0') + now - tonumber(h[4] or now)))
end
if a.next and a.next.id and redis.call('EXISTS', job_key(a.next.id)) == 0 then
  create(a.next.id, a.next.job, a.next.queue, a.next.j, {unpack(ARGV, 2)}, false)
end
if a.how == 'retry' or a.how == 'back' then
  if a.how == 'retry' then redis.call('HINCRBY', key, 'retries_left', -1) end
  if a.delay_s > 0 then
    redis.call('HSET', key, 'status', 'scheduled')
    redis.call('ZADD', 'rq:scheduled:' .. a.queue, now + a.delay_s, a.id)
    mark('waiting', a.id, true, user, guild)
  else enter(a.id, a.queue, true) end
  set_state(h[1], a.queue == 'render' and 'queued' or 'delivering')
  return {1}
end
redis.call('HSET', key, 'status', a.how, 'ended_at', a.ended)
redis.call('ZADD', 'rq:' .. a.how .. ':' .. a.queue, now + a.ttl, a.id)
redis.call('EXPIRE', key, a.ttl)
if a.result then
  redis.call('XADD', 'rq:results:' .. a.id, 'MAXLEN', 10, '*', unpack(a.result))
  redis.call('EXPIRE', 'rq:results:' .. a.id, a.ttl)
end
if a.how == 'finished' then
  -- only a first run teaches the speed: a later one may find pictures that are drawn already
  local first = a.queue == 'render' and h[6] == '1'
  if first and h[2] and h[2] ~= '' and h[4] and now > tonumber(h[4]) and tonumber(h[3] or '0') > 0 then
    local speed, sized = tonumber(h[3]) / (now - tonumber(h[4])), h[2] .. '@' .. (h[5] or '0')
    local old = redis.call('HMGET', 'easel:speed', h[2], sized)
    local function learnt(before) return before and tonumber(before) * 0.8 + speed * 0.2 or speed end
    redis.call('HSET', 'easel:speed', h[2], learnt(old[1]), sized, learnt(old[2]))
  end
else refund(a.id, a.queue) end
if h[1] then
  if a.queue == 'render' then
    announce(h[1], a.how == 'canceled' and 'cancelled' or a.how, 100)
    -- the post may already be under way
    if a.how == 'finished' and redis.call('HGET', 'easel:job:' .. h[1], 'state') == 'running' then
      set_state(h[1], 'rendered')
    end
  end
  if not a.next and a.how ~= 'finished' then set_state(h[1], a.how == 'canceled' and 'cancelled' or 'failed', 86400) end
end
if a.claim then return {1, claim(a.claim)} end
return {1}
"""
)
