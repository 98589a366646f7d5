"""What the scripts share: the clock, a job's way into and out of a queue, its fair place, its lease, its state."""

COMMON = """
local a = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = a.now or tonumber(time[1]) + tonumber(time[2]) / 1e6   -- only a simulation brings its own clock

local function job_key(id) return 'rq:job:' .. id end
local function mark(kind, id, present, user, guild)
  local verb, set = present and 'SADD' or 'SREM', 'easel:' .. kind
  if user and user ~= '' then redis.call(verb, set .. ':user:' .. user, id) end
  if guild and guild ~= '' then redis.call(verb, set .. ':guild:' .. guild, id) end
end
-- members that RQ no longer calls live are dropped: its own tools cancel, empty and requeue behind our back
local function count(kind, scope, cap)
  local set = 'easel:' .. kind .. ':' .. scope
  local n = redis.call('SCARD', set)
  if n < cap then return n end
  for _, id in ipairs(redis.call('SMEMBERS', set)) do
    local status = redis.call('HGET', job_key(id), 'status')
    local live
    if kind == 'running' then live = status == 'started'
    else live = status == 'queued' or status == 'created' or status == 'scheduled' end
    if not live then redis.call('SREM', set, id); n = n - 1 end
  end
  return n
end
local function enter(id, queue, front)
  local h = redis.call('HMGET', job_key(id), 'easel_tag', 'easel_arrived', 'easel_user', 'easel_guild')
  local tag = h[1] or redis.call('GET', 'easel:' .. queue .. ':virtual') or '0'
  redis.call('HSET', job_key(id), 'status', 'queued')
  redis.call('SADD', 'rq:queues', 'rq:queue:' .. queue)
  redis.call(front and 'LPUSH' or 'RPUSH', 'rq:queue:' .. queue, id)
  redis.call('ZADD', 'easel:' .. queue .. ':order', tag, id)
  redis.call('ZADD', 'easel:' .. queue .. ':arrivals', h[2] or now, id)
  mark('waiting', id, true, h[3], h[4])
end
local function leave(id, queue, user, guild)
  redis.call('ZREM', 'easel:' .. queue .. ':order', id)
  redis.call('ZREM', 'easel:' .. queue .. ':arrivals', id)
  mark('waiting', id, false, user, guild)
  return redis.call('LREM', 'rq:queue:' .. queue, 1, id) == 1
end
local ENDED = {delivered = true, failed = true, cancelled = true}
-- an end stands: a delivery that runs again after its post only has to tidy up
local function set_state(job, state, ttl)
  local before = job and redis.call('HGET', 'easel:job:' .. job, 'state')
  if before and (ENDED[state] or not ENDED[before]) then
    redis.call('HSET', 'easel:job:' .. job, 'state', state)
    if ttl then redis.call('EXPIRE', 'easel:job:' .. job, ttl) end
  end
end
local function announce(job, state, percent)
  local header = cjson.encode({job_id = job, state = state, percent = percent})
  redis.call('PUBLISH', 'easel:progress', header .. '\\n')
end
-- how far before its turn a job goes (`exchange.tasks.HEAD_START` says why and how much), and what it gives back
local function head_start(queue, j, share)
  local key = 'easel:' .. queue .. ':pressed'
  local known = redis.call('HMGET', key, 'mean', 'spent')
  local mean = known[1] and tonumber(known[1]) * 0.98 + share * 0.02 or share
  redis.call('HSET', key, 'mean', mean)
  local ahead = (j.ahead or 0) * mean
  if ahead > 0 then
    local spent = math.max(0, tonumber(known[2] or '0'))
    if spent < ahead * math.max(1, redis.call('SCARD', 'rq:workers:' .. queue)) then
      redis.call('HSET', key, 'spent', spent + share)
      return ahead, 0
    end
  end
  return 0, share * (j.returns or 0)
end
-- a job's first appearance: start-time fair queuing by user (cost in megapixel-steps over the speed's weight)
local function create(id, job, queue, j, hash, held)
  local begin = tonumber(redis.call('GET', 'easel:' .. queue .. ':virtual') or '0')
  local share = tonumber(j.cost) / tonumber(j.weight)
  if j.user ~= '' then
    begin = math.max(begin, tonumber(redis.call('ZSCORE', 'easel:' .. queue .. ':ends', j.user) or '0'))
    redis.call('ZADD', 'easel:' .. queue .. ':ends', begin + share, j.user)
  end
  local ahead, returns = head_start(queue, j, share)
  -- first come, first served among equals; far below any share, and never part of the clock
  local start = begin - ahead
  local tag = start + (redis.call('INCR', 'easel:' .. queue .. ':counter') % 1000000) * 1e-12
  local own = {'status', 'created', 'easel_job', job, 'easel_user', j.user, 'easel_guild', j.guild,
    'easel_model', j.model, 'easel_name', j.name, 'easel_pixels', j.pixels, 'easel_cost', j.cost,
    'easel_share', share, 'easel_begin', start, 'easel_tag', tag, 'easel_returns', returns,
    'easel_version', j.version, 'easel_arrived', now}
  for _, value in ipairs(own) do hash[#hash + 1] = value end
  redis.call('HSET', job_key(id), unpack(hash))
  if held then
    redis.call('ZADD', 'easel:held', now, id)
    mark('waiting', id, true, j.user, j.guild)
  else enter(id, queue, false) end
  return tag
end
local function refund(id, queue)
  local h = redis.call('HMGET', job_key(id), 'easel_user', 'easel_share')
  local key = 'easel:' .. queue .. ':ends'
  if h[1] and h[2] and redis.call('ZSCORE', key, h[1]) then redis.call('ZINCRBY', key, '-' .. h[2], h[1]) end
end
local function drop_lease(id, queue, execution, worker, user, guild)
  local member = id .. ':' .. execution
  redis.call('ZREM', 'rq:wip:' .. queue, member)
  redis.call('DEL', 'rq:execution:' .. member)
  redis.call('ZREM', 'rq:executions:' .. id, execution)
  if worker then redis.call('SREM', 'rq:worker:' .. worker .. ':executions', member) end
  mark('running', id, false, user, guild)
end
"""
