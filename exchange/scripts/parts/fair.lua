-- needs: jobs
-- A job's first appearance and its fair place.
local fair = {}

-- How far before its turn a job goes (`exchange.tasks.HEAD_START` says why and how much), and what it gives back.
local function head_start(queue, traits, share)
  local key = keys.pressed(queue)
  local known = jobs.fields(key, 'mean', 'spent')
  local mean = known.mean and tonumber(known.mean) * 0.98 + share * 0.02 or share
  redis.call('HSET', key, 'mean', mean)
  local ahead = (traits.ahead or 0) * mean
  if ahead > 0 then
    local spent = math.max(0, tonumber(known.spent or '0'))
    if spent < ahead * math.max(1, redis.call('SCARD', keys.rq_workers_of(queue))) then
      redis.call('HSET', key, 'spent', spent + share)
      return ahead, 0
    end
  end
  return 0, share * (traits.returns or 0)
end

-- Start-time fair queuing by user: cost in megapixel-steps over the speed's weight. Returns the job's tag.
function fair.create(id, job, queue, traits, hash, held)
  local begin = tonumber(redis.call('GET', keys.virtual(queue)) or '0')
  local share = tonumber(traits.cost) / tonumber(traits.weight)
  if traits.user ~= '' then
    begin = math.max(begin, tonumber(redis.call('ZSCORE', keys.ends(queue), traits.user) or '0'))
    redis.call('ZADD', keys.ends(queue), begin + share, traits.user)
  end
  local ahead, returns = head_start(queue, traits, share)
  -- first come, first served among equals; far below any share, and never part of the clock
  local start = begin - ahead
  local tag = start + (redis.call('INCR', keys.counter(queue)) % 1000000) * 1e-12
  local own = {'status', 'created', 'easel_job', job, 'easel_user', traits.user, 'easel_guild', traits.guild,
    'easel_model', traits.model, 'easel_name', traits.name, 'easel_pixels', traits.pixels, 'easel_cost', traits.cost,
    'easel_share', share, 'easel_begin', start, 'easel_tag', tag, 'easel_returns', returns,
    'easel_version', traits.version, 'easel_arrived', now}
  for _, value in ipairs(own) do hash[#hash + 1] = value end
  redis.call('HSET', keys.rq_job(id), unpack(hash))
  if held then
    redis.call('ZADD', keys.held(), now, id)
    jobs.mark(keys.waiting, id, true, traits.user, traits.guild)
  else jobs.enter(id, queue, false) end
  return tag
end

-- A job that draws nothing costs its user nothing.
function fair.refund(id, queue)
  local job = jobs.fields(keys.rq_job(id), 'easel_user', 'easel_share')
  local key = keys.ends(queue)
  if job.easel_user and job.easel_share and redis.call('ZSCORE', key, job.easel_user) then
    redis.call('ZINCRBY', key, '-' .. job.easel_share, job.easel_user)
  end
end
