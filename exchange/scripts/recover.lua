-- needs: jobs
-- args: queues held_s pause_s -> {retried, released, due, quarantined{what}, id, execution, queue, why, id, ...}: the
-- rest can only be failed. With pause_s, a fleet that calls this from every process does it once in so many seconds.
if args.pause_s and not call('SET', keys.recovered(), 1, 'NX', 'PX', math.floor(args.pause_s * 1000)) then
  return {0, 0, 0, {}}
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
    released = released + 1
  end
end

for _, key in ipairs(call('SMEMBERS', keys.rq_workers())) do
  if call('EXISTS', key) == 0 then
    call('SREM', keys.rq_workers(), key)
    for _, queue in ipairs(args.queues) do call('SREM', keys.rq_workers_of(queue), key) end
  end
end
local quarantined = call('LRANGE', keys.quarantined(), 0, -1)
call('DEL', keys.quarantined())
return {retried, released, due, quarantined, unpack(ended)}
