-- needs: jobs pacing
-- How a slot gets its next job: in fair order, within the caps, of a model that is loaded if that can be.
local claiming = {}

-- What a worker needs to begin.
local NEEDED = {'data', 'origin', 'timeout', 'retries_left', 'status', 'result_ttl', 'failure_ttl', 'easel_job',
  'easel_model'}

local function found(id)
  local answer = {'job', id}
  for i, value in ipairs(call('HMGET', keys.rq_job(id), unpack(NEEDED))) do
    if value then
      answer[#answer + 1] = NEEDED[i]
      answer[#answer + 1] = value
    end
  end
  return answer
end

-- A caller's retry finds its first claim again by the execution it chose, so a lost reply costs nothing.
local function claimed_before(wanted)
  local slot = jobs.fields(keys.rq_worker(wanted.worker), 'easel_execution', 'easel_claim')
  if slot.easel_execution ~= wanted.execution or not slot.easel_claim then return nil end
  local member = slot.easel_claim .. ':' .. wanted.execution
  return call('ZSCORE', keys.leases(wanted.queue), member) and slot.easel_claim
end

-- What RQ's own tools pushed gets a place in the order; what they left in the list dead or twice goes.
local function adopt(queue)
  local list, seen = keys.rq_list(queue), {}
  for _, id in ipairs(call('LRANGE', list, 0, 9999)) do
    if not jobs.is_id(id) then
      call('LREM', list, 0, id)
      quarantine(list, 'not an id: ' .. id)
    elseif seen[id] or call('HGET', keys.rq_job(id), 'status') ~= 'queued' then call('LREM', list, -1, id)
    elseif not call('ZSCORE', keys.order(queue), id) then
      call('LREM', list, 1, id)
      local job = call('HGET', keys.rq_job(id), 'easel_job')
      if job then jobs.reopen(job, id, queue) end
      jobs.enter(id, queue, true)
    end
    seen[id] = true
  end
end

-- Whether a user and a guild may have one more job running; a scope is counted once a claim.
local function caps_of(queue)
  local caps, full = {}, {}
  if queue == 'render' then caps = jobs.fields(keys.limits(), 'user', 'guild') end
  local function under(kind, value)
    local cap = number(caps[kind])
    if not value or value == '' or cap <= 0 then return true end
    local scope = kind .. ':' .. value
    if full[scope] == nil then full[scope] = jobs.count(keys.running, scope, cap) >= cap end
    return not full[scope]
  end
  return function(user, guild) return under('user', user) and under('guild', guild) end
end

-- A job whose model is loaded in another process that has room is left to it for so many seconds.
local LEFT_S, HAS_ROOM_S = 2, 1.5

local function left_to_another(id, job, wanted)
  local warm = keys.warm(job.easel_model)
  call('ZREMRANGEBYSCORE', warm, '-inf', now)
  local others = call('ZCARD', warm)
  if wanted.process and call('ZSCORE', warm, wanted.process) then others = others - 1 end
  if others == 0 then return false end
  local since = number(job.easel_left, now)
  if not job.easel_left then call('HSET', keys.rq_job(id), 'easel_left', now) end
  return now - since < LEFT_S
end

-- wanted: queue worker execution lease_s started must prefer models max_pixels version patience_s skip_limit scan
-- process loaded places
-- -> {'job', id, hash...} | {'empty'} | {'blocked'} | {'suspended'}
function claiming.claim(wanted)
  local queue = wanted.queue
  local list, order = keys.rq_list(queue), keys.order(queue)
  local before = claimed_before(wanted)
  if before then return found(before) end
  if call('EXISTS', keys.suspended()) == 1 then return {'suspended'} end
  if queue ~= 'deliver' then                             -- what is drawn is still posted
    for _, place in ipairs(wanted.places or {}) do
      if call('HEXISTS', keys.drained(), place) == 1 then return {'blocked'} end
    end
  end
  local loaded = {}
  if wanted.process then
    for name in string.gmatch(wanted.loaded, '[^,]+') do
      loaded[name] = true
      call('ZADD', keys.warm(name), now + HAS_ROOM_S, wanted.process)
      call('EXPIRE', keys.warm(name), 60)
    end
  end
  local length = call('LLEN', list)
  if length == 0 then
    call('DEL', order, keys.arrivals(queue), keys.ends(queue))
    call('HDEL', keys.pressed(queue), 'spent')
    return {'empty'}
  end
  if length > call('ZCARD', order) then adopt(queue) end
  local under_caps = caps_of(queue)
  local pace = pacing.new()
  local models
  if wanted.models ~= '' then
    models = {}
    for name in string.gmatch(wanted.models, '[^,]+') do models[name] = true end
  end

  -- 'no' | 'yes' | 'other': of a model that would have to be loaded, or would have to wait for the batch to run out
  local model = wanted.must ~= '' and wanted.must or wanted.prefer
  local function verdict(id)
    local job = jobs.fields(keys.rq_job(id), 'status', 'easel_job', 'easel_user', 'easel_guild', 'easel_model',
      'easel_name', 'easel_pixels', 'easel_version', 'easel_begin', 'easel_returns', 'easel_claims', 'easel_skipped',
      'easel_share', 'easel_left', 'easel_place', 'easel_payer')
    if number(job.easel_version) > wanted.version then return 'no', job end
    if models and (job.easel_name or '') ~= '' and not models[job.easel_name] then return 'no', job end
    if wanted.max_pixels > 0 and number(job.easel_pixels) > wanted.max_pixels then return 'no', job end
    if not under_caps(job.easel_user, job.easel_guild) then return 'no', job end
    if queue == 'deliver' and not pace.may(job.easel_place, job.easel_payer) then return 'no', job end
    local own = job.easel_model or ''
    local foreign = wanted.process and own ~= '' and not loaded[own]
    if foreign and left_to_another(id, job, wanted) then return 'no', job end
    if model ~= '' and own ~= '' and own ~= model then return 'other', job end
    return 'yes', job
  end

  -- The fair clock: what each of those who wait would have been served by now, had the work gone to all of them; at
  -- least the start of the one who is next. A job served by age was not next, and newcomers must not pay for it.
  local function move_clock(job, by_age)
    local share = number(job.easel_share)
    local clock = number(call('GET', keys.virtual(queue))) + share / length
    if not by_age then clock = math.max(clock, number(job.easel_begin)) end
    call('SET', keys.virtual(queue), clock)
    call('ZREMRANGEBYSCORE', keys.ends(queue), '-inf', clock)
  end

  local function take(id, job, by_age)
    local listed = jobs.leave(id, queue, job.easel_user, job.easel_guild)
    if not listed or not jobs.is_id(id) or job.status ~= 'queued' then return nil end
    local member, expiry, worker = id .. ':' .. wanted.execution, now + wanted.lease_s, keys.rq_worker(wanted.worker)
    if number(job.easel_returns) > 0 then
      call('HINCRBYFLOAT', keys.pressed(queue), 'spent', '-' .. job.easel_returns)
    end
    move_clock(job, by_age)
    if queue == 'deliver' then pace.note(job.easel_place, job.easel_payer, id) end
    call('ZADD', keys.leases(queue), expiry, member)
    call('HSET', keys.execution(member), 'id', wanted.execution, 'job_id', id, 'worker_name', wanted.worker,
      'created_at', now, 'last_heartbeat', now)
    call('EXPIRE', keys.execution(member), 86400)
    call('ZADD', keys.executions(id), expiry + 60, wanted.execution)
    call('EXPIRE', keys.executions(id), 86400)
    call('SADD', keys.rq_worker_executions(wanted.worker), member)
    call('HSET', worker, 'state', 'busy', 'easel_execution', wanted.execution, 'easel_claim', id)
    call('HSET', keys.rq_job(id), 'status', 'started', 'worker_name', wanted.worker, 'started_at',
      wanted.started, 'last_heartbeat', wanted.started, 'easel_began', now,
      'easel_execution', wanted.execution,
      'easel_claims', number(job.easel_claims) + 1)
    if job.easel_skipped or job.easel_left then call('HDEL', keys.rq_job(id), 'easel_skipped', 'easel_left') end
    call('PERSIST', keys.rq_job(id))
    if queue == 'render' then jobs.mark(keys.running, id, true, job.easel_user, job.easel_guild) end
    if job.easel_job then
      jobs.set_state(job.easel_job, jobs.RUNNING_STATE[queue])
      jobs.note(job.easel_job, 'started', {queue = queue, by = wanted.worker})
      if queue == 'render' then jobs.announce(job.easel_job, 'running', 0) end
    end
    return found(id)
  end

  -- Passed over often enough: a running batch admits nobody else and runs out, an idle worker changes its model.
  local function starves(job)
    local skipped = number(job.easel_skipped)
    return skipped >= wanted.skip_limit and skipped >= 4 * call('SCARD', keys.rq_workers_of(queue))
  end

  -- Ageing: one claim in four goes to the one who has waited longest, once that is longer than patience.
  local turn = call('INCR', keys.turn(queue)) % 4 == 0
  if turn or model ~= '' then
    local oldest, arrived = unpack(call('ZRANGE', keys.arrivals(queue), 0, 0, 'WITHSCORES'))
    if oldest and now - number(arrived) > wanted.patience_s then
      local answer, job = verdict(oldest)
      if answer == 'other' and wanted.must ~= '' then
        if turn then call('HSET', keys.rq_job(oldest), 'easel_skipped', 1e9) end
        if turn or starves(job) then return {'blocked'} end
      elseif answer == 'other' and starves(job) or answer ~= 'no' and turn then
        local got = take(oldest, job, true)
        if got then return got end
      end
    end
  end

  local head, head_job                                   -- first in order, but of another model
  for from = 0, wanted.scan - 1, 32 do
    local ids = call('ZRANGE', order, from, math.min(from + 31, wanted.scan - 1))
    if #ids == 0 then break end
    for _, id in ipairs(ids) do
      local answer, job = verdict(id)
      if answer == 'yes' then
        local got = take(id, job)
        if got then
          if head then call('HINCRBY', keys.rq_job(head), 'easel_skipped', 1) end
          return got
        end
      elseif answer == 'other' and not head then
        head, head_job = id, job
        if starves(job) then
          if wanted.must ~= '' then return {'blocked'} end
          local got = take(id, job)
          if got then return got end
        end
      end
    end
  end
  if head and wanted.must == '' then
    local got = take(head, head_job)
    if got then return got end
  end
  return {call('LLEN', list) == 0 and 'empty' or 'blocked'}
end
