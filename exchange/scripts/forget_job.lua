-- needs: asked
-- args: user job -> 1, or 0 when it was not in the person's history
for _, who in ipairs(call('SMEMBERS', keys.favoured(args.job))) do call('HDEL', keys.favourites(who), args.job) end
call('DEL', keys.favoured(args.job))
call('HDEL', keys.history_entries(args.user), args.job)
return call('ZREM', keys.history(args.user), args.job)
