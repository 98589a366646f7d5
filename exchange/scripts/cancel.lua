-- needs: fair
-- args: job ids by operator ended -> 'unknown' | 'not_yours' | 'ended' | 'cancelled' | 'stopping'
local known = jobs.fields(keys.state(args.job), 'state', 'user')
if not known.state then return 'unknown' end
if known.user ~= args.by and not args.operator then return 'not_yours' end
if jobs.ENDED[known.state] then return 'ended' end
local answer = 'ended'
for _, id in ipairs(args.ids) do
  local job = jobs.fields(keys.rq_job(id), 'status', 'origin', 'easel_user', 'easel_guild')
  if jobs.WAITS[job.status] and jobs.WAITING_STATE[job.origin] then
    call('ZREM', keys.held(), id)
    call('ZREM', keys.scheduled(job.origin), id)
    jobs.leave(id, job.origin, job.easel_user, job.easel_guild)
    fair.refund(id, job.origin)
    call('HSET', keys.rq_job(id), 'status', 'canceled', 'ended_at', args.ended)
    call('ZADD', keys.ended('canceled', job.origin), now + 3600, id)
    call('EXPIRE', keys.rq_job(id), 3600)
    answer = 'cancelled'
  elseif job.status == 'started' then
    call('HSET', keys.rq_job(id), 'easel_cancel', args.by)
    call('PUBLISH', keys.cancel_channel(), id)
    answer = 'stopping'
  end
end
if answer == 'cancelled' then
  jobs.set_state(args.job, 'cancelled', 86400)
  jobs.announce(args.job, 'cancelled', 0)
end
return answer
