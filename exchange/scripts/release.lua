-- needs: jobs
-- args: id job channel message -> {was it held, state of the job or ''}
local state = keys.state(args.job)
local queue = call('HGET', state, 'queue')
if not queue then return {0, ''} end
if args.message ~= '' then
  call('HSET', state, 'waiting_channel', args.channel, 'waiting_message', args.message)
end
if call('ZREM', keys.held(), args.id) == 0 then return {0, call('HGET', state, 'state')} end
jobs.enter(args.id, queue, false)
call('HSET', state, 'state', 'queued')
jobs.note(args.job, 'acknowledged')
return {1, 'queued'}
