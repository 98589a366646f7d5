-- needs: fair
-- args: id job queue traits caps{{scope, cap, kind}} running_per_user running_per_guild interaction document; then the
-- hash -> {'duplicate'} | {'full', kind, cap} | {'held', ahead, running of the user}
if call('EXISTS', keys.state(args.job), keys.rq_job(args.id)) > 0 then return {'duplicate'} end
for _, cap in ipairs(args.caps) do
  local scope, limit, kind = unpack(cap)
  if limit > 0 and jobs.count(keys.waiting, scope, limit) >= limit then return {'full', kind, limit} end
end
call('HSET', keys.limits(), 'user', args.running_per_user, 'guild', args.running_per_guild)
call('HSET', keys.state(args.job), 'state', 'held', 'user', args.traits.user, 'guild', args.traits.guild, 'queue',
  args.queue, 'submitted', now, 'interaction', args.interaction, 'job', args.document)
local tag = fair.create(args.id, args.job, args.queue, args.traits, jobs.brought(), true)
return {'held', call('ZCOUNT', keys.order(args.queue), '-inf', string.format('(%.17g', tag)),
  call('SCARD', keys.running('user:' .. args.traits.user))}
