-- needs: asked
-- args: job user month created speed images gpu_s length kept; then the job's entry in the history, as JSON
-- -> 1, or 0 when it was counted before
local entries, history = keys.history_entries(args.user), keys.history(args.user)
local usage = keys.usage(args.user, args.month)
if call('HSETNX', entries, args.job, ARGV[2]) == 0 then return 0 end
call('ZADD', history, args.created, args.job)
call('HINCRBY', usage, args.speed .. ':jobs', 1)
call('HINCRBY', usage, args.speed .. ':images', args.images)
call('HINCRBYFLOAT', usage, args.speed .. ':gpu_s', args.gpu_s)
for _, id in ipairs(call('ZRANGE', history, 0, -1 - args.length)) do
  call('ZREM', history, id)
  call('HDEL', entries, id)
end
for _, key in ipairs({entries, history, usage}) do call('EXPIRE', key, args.kept) end
return 1
