-- needs: bans
-- args: user ban -> 1, or 0 when the person is banned for longer already
return bans.time_out(args.user, args.ban) and 1 or 0
