-- needs: fair claiming
-- The one place where an outcome is written: only the holder of the lease may, so a late one changes nothing.
-- args: queue id execution worker how delay_s ttl ended result next claim
-- -> {1, answer to `claim`}, or {0} when the lease is gone
-- `how` is finished, failed, canceled, retry or back. `next` ({id job queue traits}, its hash follows) is an RQ job
-- that comes into being with this outcome; `claim` is what `claiming.claim` takes, for the same slot's next job.
local id, queue = args.id, args.queue
if not call('ZSCORE', keys.leases(queue), id .. ':' .. args.execution) then return {0} end
local key, worker = keys.rq_job(id), keys.rq_worker(args.worker)
local job = jobs.fields(key, 'easel_job', 'easel_model', 'easel_cost', 'easel_began', 'easel_pixels', 'easel_claims',
  'easel_user', 'easel_guild')
jobs.drop_lease(id, queue, args.execution, args.worker, job.easel_user, job.easel_guild)

local counter = args.how == 'finished' and 'successful_job_count' or 'failed_job_count'
local slot = jobs.fields(worker, 'birth', counter, 'total_working_time')
if slot.birth then
  local worked = number(slot.total_working_time) + now - number(job.easel_began, now)
  call('HSET', worker, 'state', 'idle', counter, number(slot[counter]) + 1, 'total_working_time',
    string.format('%.6f', worked))
end

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

-- Only a first run teaches the speed: a later one may find pictures that are drawn already.
local function learn_speed()
  local cost, model = number(job.easel_cost), job.easel_model or ''
  local seconds = now - number(job.easel_began, now)
  if queue ~= 'render' or job.easel_claims ~= '1' or model == '' or seconds <= 0 or cost <= 0 then return end
  local sized = model .. '@' .. (job.easel_pixels or '0')
  local known = jobs.fields(keys.speed(), model, sized)
  local function learnt(before) return before and number(before) * 0.8 + cost / seconds * 0.2 or cost / seconds end
  call('HSET', keys.speed(), model, learnt(known[model]), sized, learnt(known[sized]))
end
if args.how == 'finished' then learn_speed() else fair.refund(id, queue) end

if job.easel_job then
  local state = args.how == 'canceled' and 'cancelled' or args.how
  if queue == 'render' then
    jobs.announce(job.easel_job, state, 100)
    -- the post may already be under way
    if state == 'finished' and call('HGET', keys.state(job.easel_job), 'state') == 'running' then
      jobs.set_state(job.easel_job, 'rendered')
    end
  end
  if not next and state ~= 'finished' then jobs.set_state(job.easel_job, state, 86400) end
end
if args.claim then return {1, claiming.claim(args.claim)} end
return {1}
