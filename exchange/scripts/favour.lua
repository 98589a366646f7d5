-- needs: asked
-- args: user job most; then what is kept of the mark, as JSON -> 1, or 0 when the person has `most` others already
local theirs = keys.favourites(args.user)
if call('HEXISTS', theirs, args.job) == 0 and call('HLEN', theirs) >= args.most then return 0 end
call('SADD', keys.favoured(args.job), args.user)
call('HSET', theirs, args.job, ARGV[2])
return 1
