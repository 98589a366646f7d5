-- needs: jobs
-- args: id job channel message -> {was it held, state of the job or ''}
local state = keys.state(args.job)
local queue = redis.call('HGET', state, 'queue')
if not queue then return {0, ''} end
if args.message ~= '' then
  redis.call('HSET', state, 'waiting_channel', args.channel, 'waiting_message', args.message)
end
if redis.call('ZREM', keys.held(), args.id) == 0 then return {0, redis.call('HGET', state, 'state')} end
jobs.enter(args.id, queue, false)
redis.call('HSET', state, 'state', 'queued')
return {1, 'queued'}
