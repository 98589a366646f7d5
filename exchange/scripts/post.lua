-- needs: pacing
-- args: place user id begins -> 1 when this person may post into the channel now, else 0
-- With `begins` the post is on its way.
local pace = pacing.new()
local may = pace.may(args.place, args.user)
if args.begins then pace.note(args.place, args.user, args.id) end
return may and 1 or 0
