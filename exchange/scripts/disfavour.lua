-- needs: asked
-- args: user job -> 1, or 0 when it was none of the person's favourites
call('SREM', keys.favoured(args.job), args.user)
return call('HDEL', keys.favourites(args.user), args.job)
