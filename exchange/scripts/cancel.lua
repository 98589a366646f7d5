-- needs: fair
-- args: job ids by operator discard ended next{id job queue traits}; then the hash of `next`, the post that tells of
-- the end
-- -> 'unknown' | 'not_yours' | 'ended' | 'cancelled' | 'stopping'
-- Without `next` nobody is told. What is being posted can no longer be held back, and counts as ended.
local known = jobs.fields(keys.state(args.job), 'state', 'user')
if not known.state then return 'unknown' end
if known.user ~= args.by and not args.operator then return 'not_yours' end
if jobs.ENDED[known.state] then return 'ended' end
if args.discard then                                     -- as if it had never been asked for
  call('HSET', keys.state(args.job), 'discarded', 1)
  call('ZREM', keys.spent(known.user or ''), args.job)
end
local answer = 'ended'
for _, id in ipairs(args.ids) do
  local job = jobs.fields(keys.rq_job(id), 'status', 'origin', 'easel_user', 'easel_guild')
  if jobs.WAITS[job.status] and jobs.WAITING_STATE[job.origin] then
    call('ZREM', keys.held(), id)
    call('ZREM', keys.scheduled(job.origin), id)
    jobs.leave(id, job.origin, job.easel_user, job.easel_guild)
    fair.refund(id, job.origin, 1)
    call('HSET', keys.rq_job(id), 'status', 'canceled', 'ended_at', args.ended)
    call('ZADD', keys.ended('canceled', job.origin), now + 3600, id)
    call('EXPIRE', keys.rq_job(id), 3600)
    answer = 'cancelled'
  elseif job.status == 'started' and job.origin ~= 'deliver' then
    call('HSET', keys.rq_job(id), 'easel_cancel', args.by)
    call('PUBLISH', keys.cancel_channel(), id)
    answer = 'stopping'
    jobs.note(args.job, 'stopping', {by = args.by})
  elseif job.status == 'started' then return 'ended' end
end
if answer == 'cancelled' then
  jobs.set_state(args.job, 'cancelled', 86400)
  jobs.note(args.job, 'cancelled', {by = args.by})
  jobs.announce(args.job, 'cancelled', 0)
  local next = args.next
  if next then
    call('DEL', keys.rq_job(next.id))                    -- a post that waited is not what is said now
    fair.create(next.id, next.job, next.queue, next.traits, jobs.brought(), false)
  end
end
return answer
