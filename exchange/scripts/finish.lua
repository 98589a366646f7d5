-- needs: fair claiming
-- The one place where an outcome is written: only the holder of the lease may, so a late one changes nothing.
-- args: queue id execution worker how why delay_s ttl ended result next claim
-- -> {1, answer to `claim`}, {0} when the lease is gone, or {2} when what was to follow has been cancelled
-- `how` is finished, failed, canceled, retry or back. `next` ({id job queue traits}, its hash follows) is an RQ job
-- that comes into being with this outcome; `claim` is what `claiming.claim` takes, for the same slot's next job.
local id, queue = args.id, args.queue
if not call('ZSCORE', keys.leases(queue), id .. ':' .. args.execution) then return {0} end
if args.how == 'finished' and args.next and call('HEXISTS', keys.rq_job(id), 'easel_cancel') == 1 then return {2} end
local key, worker = keys.rq_job(id), keys.rq_worker(args.worker)
local job = jobs.fields(key, 'easel_job', 'easel_model', 'easel_cost', 'easel_began', 'easel_pixels', 'easel_claims',
  'easel_user', 'easel_guild')
jobs.drop_lease(id, queue, args.execution, args.worker, job.easel_user, job.easel_guild)

-- As RQ's tools count: what was cancelled, handed back or will be tried again is no failure.
local slot = jobs.fields(worker, 'birth', 'total_working_time')
if slot.birth then
  local worked = number(slot.total_working_time) + now - number(job.easel_began, now)
  call('HSET', worker, 'state', 'idle', 'total_working_time', string.format('%.6f', worked))
  if args.how == 'finished' then call('HINCRBY', worker, 'successful_job_count', 1) end
  if args.how == 'failed' then call('HINCRBY', worker, 'failed_job_count', 1) end
end

jobs.note(job.easel_job, args.how, {queue = queue, by = args.worker, why = args.why,
  seconds = now - number(job.easel_began, now)})

local next = args.next
if next and call('EXISTS', keys.rq_job(next.id)) == 0 then
  fair.create(next.id, next.job, next.queue, next.traits, jobs.brought(), false)
end

if args.how == 'retry' or args.how == 'back' then
  if args.how == 'retry' then call('HINCRBY', key, 'retries_left', -1) end
  if args.delay_s > 0 then
    call('HSET', key, 'status', 'scheduled')
    call('ZADD', keys.scheduled(queue), now + args.delay_s, id)
    jobs.mark(keys.waiting, id, true, job.easel_user, job.easel_guild)
  else jobs.enter(id, queue, true) end
  jobs.set_state(job.easel_job, jobs.WAITING_STATE[queue])
  return {1}
end

call('HSET', key, 'status', args.how, 'ended_at', args.ended)
call('ZADD', keys.ended(args.how, queue), now + args.ttl, id)
call('EXPIRE', key, args.ttl)
if args.result then
  call('XADD', keys.results(id), 'MAXLEN', 10, '*', unpack(args.result))
  call('EXPIRE', keys.results(id), args.ttl)
end

local model = job.easel_model or ''
local sized = model .. '@' .. (job.easel_pixels or '0')
local speeds = jobs.fields(keys.speed(), model, sized)
local cost, seconds = number(job.easel_cost), now - number(job.easel_began, now)

-- The part of a job that ran, judged by the time it took; all of it while its model's speed is unknown.
local function ran()
  local speed = number(speeds[sized] or speeds[model])
  if queue ~= 'render' or cost <= 0 or speed <= 0 then return queue == 'render' and 1 or 0 end
  return math.min(1, seconds * speed / cost)
end

-- Only a first run teaches the speed: a later one may find pictures that are drawn already.
local function learn_speed()
  if queue ~= 'render' or job.easel_claims ~= '1' or model == '' or seconds <= 0 or cost <= 0 then return end
  local function learnt(before) return before and number(before) * 0.8 + cost / seconds * 0.2 or cost / seconds end
  call('HSET', keys.speed(), model, learnt(speeds[model]), sized, learnt(speeds[sized]))
end
if args.how == 'finished' then learn_speed()
elseif args.how == 'canceled' then fair.refund(id, queue, 1 - ran())
else fair.refund(id, queue, 1) end

if job.easel_job then
  local state = ({finished = 'rendered', failed = 'failed', canceled = 'cancelled'})[args.how]
  if queue == 'render' then
    jobs.announce(job.easel_job, state, 100)
    -- the post may already be under way
    if state == 'rendered' and call('HGET', keys.state(job.easel_job), 'state') == 'running' then
      jobs.set_state(job.easel_job, state)
    end
  end
  if not next and state ~= 'rendered' then jobs.set_state(job.easel_job, state, 86400) end
end
if args.claim then return {1, claiming.claim(args.claim)} end
return {1}
