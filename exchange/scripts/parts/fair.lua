-- needs: jobs
-- A job's first appearance and its fair place.
local fair = {}

-- How far before its turn a job goes (`exchange.tasks.HEAD_START` says why and how much), and what it gives back.
local function head_start(queue, traits, share)
  local key = keys.pressed(queue)
  local known = jobs.fields(key, 'mean', 'spent')
  local mean = known.mean and number(known.mean) * 0.98 + share * 0.02 or share
  call('HSET', key, 'mean', mean)
  local ahead = (traits.ahead or 0) * mean
  if ahead > 0 then
    local spent = math.max(0, number(known.spent))
    if spent < ahead * math.max(1, call('SCARD', keys.rq_workers_of(queue))) then
      call('HSET', key, 'spent', spent + share)
      return ahead, 0
    end
  end
  return 0, share * (traits.returns or 0)
end

-- By how much less the work of a speed counts, as the operator set it; 1 where nothing was submitted yet.
local function weight_of(speed)
  local weight = number(call('HGET', keys.limits(), 'weight:' .. speed), 1)
  return weight > 0 and weight or 1
end

-- Start-time fair queuing by user: cost in megapixel-steps over the speed's weight. Returns the job's tag.
function fair.create(id, job, queue, traits, hash, held)
  local share = number(traits.cost) / weight_of(traits.speed)
  local begin = jobs.charge(queue, traits.user, share)
  -- caps count only what is `capped`; the fair order is for all
  local user, guild = '', ''
  if traits.capped then user, guild = traits.user, traits.guild end
  local ahead, returns = head_start(queue, traits, share)
  -- first come, first served among equals; far below any share, and never part of the clock
  local start = begin - ahead
  local tag = start + (call('INCR', keys.counter(queue)) % 1000000) * 1e-12
  local own = {'status', 'created', 'easel_job', job, 'easel_user', user, 'easel_guild', guild,
    'easel_model', traits.model, 'easel_name', traits.name, 'easel_pixels', traits.pixels, 'easel_cost', traits.cost,
    'easel_share', share, 'easel_begin', start, 'easel_tag', tag, 'easel_returns', returns,
    'easel_version', traits.version, 'easel_payer', traits.user,
    'easel_place', traits.place or '', 'easel_arrived', now}
  for _, value in ipairs(own) do hash[#hash + 1] = value end
  call('HSET', keys.rq_job(id), unpack(hash))
  if held then
    call('ZADD', keys.held(), now, id)
    jobs.mark(keys.waiting, id, true, user, guild)
  else jobs.enter(id, queue, false) end
  return tag
end

-- What was not drawn costs its user nothing: `part` of the job's share is given back.
function fair.refund(id, queue, part)
  local job = jobs.fields(keys.rq_job(id), 'easel_payer', 'easel_share')
  local key = keys.ends(queue)
  if job.easel_payer and call('ZSCORE', key, job.easel_payer) then
    call('ZINCRBY', key, -number(job.easel_share) * part, job.easel_payer)
  end
end
