-- needs: asked
-- args: job user month created speed images gpu_s length kept; then the job's entry in the history, as JSON
-- -> 1, or 0 when it was counted before
local entries, history = keys.history_entries(args.user), keys.history(args.user)
local usage = keys.usage(args.user, args.month)
if redis.call('HSETNX', entries, args.job, ARGV[2]) == 0 then return 0 end
redis.call('ZADD', history, args.created, args.job)
redis.call('HINCRBY', usage, args.speed .. ':jobs', 1)
redis.call('HINCRBY', usage, args.speed .. ':images', args.images)
redis.call('HINCRBYFLOAT', usage, args.speed .. ':gpu_s', args.gpu_s)
for _, id in ipairs(redis.call('ZRANGE', history, 0, -1 - args.length)) do
  redis.call('ZREM', history, id)
  redis.call('HDEL', entries, id)
end
for _, key in ipairs({entries, history, usage}) do redis.call('EXPIRE', key, args.kept) end
return 1
