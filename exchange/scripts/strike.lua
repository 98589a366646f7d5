-- needs: bans
-- args: user event now day limit ban -> {heavy refusals within a day, 1 when they led to the ban}
local strikes = keys.strikes(args.user)
call('ZREMRANGEBYSCORE', strikes, '-inf', args.now - args.day)
call('ZADD', strikes, 'NX', args.now, args.event)
call('PEXPIRE', strikes, args.day)
local count = call('ZCARD', strikes)
if args.limit == 0 or count < args.limit then return {count, 0} end
if not bans.time_out(args.user, args.ban) then return {count, 0} end
call('DEL', strikes)
return {count, 1}
