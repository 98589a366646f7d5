-- needs: jobs
-- args: queues held_s look_s stems pause_s
-- -> {retried, released, due, quarantined{what}, lost{job, how, ...}, id, execution, queue, why, id, ...}
-- `lost` are accepted jobs of which nothing waits or runs any more; the rest are leases that can only be failed.
-- `stems` come before an Easel job's id in those of its RQ jobs. With pause_s, a fleet that calls this from every
-- process does it once in so many seconds all the same.
if args.pause_s then
  local pause = math.floor(args.pause_s * 1000)
  local left = call('PTTL', keys.recovered())
  if left >= 0 and left <= pause then return {0, 0, 0, {}, {}} end    -- any other is no mark of ours
  call('SET', keys.recovered(), 1, 'PX', pause)
end
local retried, released, due, ended = 0, 0, 0, {}

local function recover_lease(queue, member)
  local id, execution = string.match(member, '^(.*):([^:]+)$')
  if not jobs.is_id(id) or not jobs.is_id(execution) then
    call('ZREM', keys.leases(queue), member)
    quarantine(keys.leases(queue), 'not a lease: ' .. member)
    return
  end
  local job = jobs.fields(keys.rq_job(id), 'status', 'retries_left', 'easel_cancel', 'worker_name', 'easel_job',
    'easel_user', 'easel_guild')
  if job.status == 'started' and (job.easel_cancel or number(job.retries_left) <= 0) then
    local how = job.easel_cancel and 'canceled' or 'failed'
    for _, value in ipairs({id, execution, queue, how}) do ended[#ended + 1] = value end
    return
  end
  jobs.drop_lease(id, queue, execution, job.worker_name, job.easel_user, job.easel_guild)
  if job.status == 'started' then
    call('HINCRBY', keys.rq_job(id), 'retries_left', -1)
    jobs.enter(id, queue, true)
    jobs.set_state(job.easel_job, jobs.WAITING_STATE[queue])
    jobs.note(job.easel_job, 'lapsed', {queue = queue, by = job.worker_name})
    retried = retried + 1
  end
end

for _, queue in ipairs(args.queues) do
  for _, member in ipairs(call('ZRANGEBYSCORE', keys.leases(queue), 0, now, 'LIMIT', 0, 200)) do
    recover_lease(queue, member)
  end
  for _, id in ipairs(call('ZRANGEBYSCORE', keys.scheduled(queue), 0, now, 'LIMIT', 0, 200)) do
    call('ZREM', keys.scheduled(queue), id)
    if jobs.is_id(id) and call('HGET', keys.rq_job(id), 'status') == 'scheduled' then
      jobs.enter(id, queue, true)
      due = due + 1
    end
  end
  for _, how in ipairs({'finished', 'failed', 'canceled'}) do
    call('ZREMRANGEBYSCORE', keys.ended(how, queue), 0, now)
  end
end

for _, id in ipairs(call('ZRANGEBYSCORE', keys.held(), 0, now - args.held_s, 'LIMIT', 0, 200)) do
  call('ZREM', keys.held(), id)
  local job = jobs.fields(keys.rq_job(id), 'status', 'origin', 'easel_job')
  if jobs.is_id(id) and job.status == 'created' and jobs.WAITING_STATE[job.origin] then
    jobs.enter(id, job.origin, false)
    jobs.set_state(job.easel_job, 'queued')
    jobs.note(job.easel_job, 'released')
    released = released + 1
  end
end

for _, key in ipairs(call('SMEMBERS', keys.rq_workers())) do
  if call('EXISTS', key) == 0 then
    call('SREM', keys.rq_workers(), key)
    for _, queue in ipairs(args.queues) do call('SREM', keys.rq_workers_of(queue), key) end
  end
end
-- Nobody is left waiting for what has vanished: emptied by RQ's tools, or lost in any other way.
local lost = {}

local function look_after(job)
  local state = call('HGET', keys.state(job), 'state')
  if not jobs.is_id(job) or not state or jobs.ENDED[state] then return call('ZREM', keys.open_jobs(), job) end
  call('ZADD', keys.open_jobs(), now + args.look_s, job)
  local how = 'cancelled'
  for _, stem in ipairs(args.stems) do
    local id = stem .. job
    local where, status = jobs.whereabouts(id)
    if where == 'there' then return end
    if where == 'stray' then return jobs.enter(id, call('HGET', keys.rq_job(id), 'origin'), true) end
    if status == 'failed' or status == 'finished' then how = 'failed' end
    for _, queue in ipairs(args.queues) do               -- its hash is gone, but somebody runs it
      for _, member in ipairs(call('ZRANGE', keys.leases(queue), 0, -1)) do
        if string.sub(member, 1, #id + 1) == id .. ':' then return end
      end
    end
  end
  if state == 'rendered' or state == 'delivering' then how = 'done' end
  lost[#lost + 1] = job
  lost[#lost + 1] = how
end

for _, job in ipairs(call('ZRANGEBYSCORE', keys.open_jobs(), 0, now, 'LIMIT', 0, 200)) do look_after(job) end

if retried > 0 then call('HINCRBY', keys.recovered_counts(), 'lapsed', retried) end
if released > 0 then call('HINCRBY', keys.recovered_counts(), 'unanswered', released) end
if #lost > 0 then call('HINCRBY', keys.recovered_counts(), 'vanished', #lost / 2) end
local quarantined = call('LRANGE', keys.quarantined(), 0, -1)
call('DEL', keys.quarantined())
return {retried, released, due, quarantined, lost, unpack(ended)}
