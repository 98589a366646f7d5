-- needs: jobs
-- An operator's word: a job that failed is done again, from the step that failed.
-- args: job ids retries{queue} by -> 'unknown' | 'open' | 'delivered' | 'nothing' | the queue in which it waits now
local state = call('HGET', keys.state(args.job), 'state')
if not state then return 'unknown' end
if not jobs.ENDED[state] then return 'open' end
if state == 'delivered' then return 'delivered' end
for i = #args.ids, 1, -1 do
  local id = args.ids[i]
  local job = jobs.fields(keys.rq_job(id), 'status', 'origin')
  if job.status == 'failed' and jobs.WAITING_STATE[job.origin] then
    call('ZREM', keys.ended('failed', job.origin), id)
    call('PERSIST', keys.rq_job(id))
    call('HSET', keys.rq_job(id), 'retries_left', args.retries[job.origin])
    call('HDEL', keys.rq_job(id), 'ended_at', 'easel_cancel')
    jobs.reopen(args.job, id, job.origin)
    jobs.enter(id, job.origin, true)
    jobs.note(args.job, 'requeued', {queue = job.origin, by = args.by})
    return job.origin
  end
end
return 'nothing'
