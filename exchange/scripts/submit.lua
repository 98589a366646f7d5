-- needs: fair
-- args: id job queue traits caps{{scope, cap, kind}} running_per_user running_per_guild interaction document; then the
-- hash -> {'duplicate'} | {'full', kind, cap} | {'held', ahead, running of the user}
if call('EXISTS', keys.state(args.job)) == 1 then return {'duplicate'} end
local known = call('HGET', keys.rq_job(args.id), 'status')
if not known then
  for _, cap in ipairs(args.caps) do
    local scope, limit, kind = unpack(cap)
    if limit > 0 and jobs.count(keys.waiting, scope, limit) >= limit then return {'full', kind, limit} end
  end
end
call('HSET', keys.limits(), 'user', args.running_per_user, 'guild', args.running_per_guild)
call('HSET', keys.state(args.job), 'state', known and 'queued' or 'held', 'user', args.traits.user, 'guild',
  args.traits.guild, 'queue', args.queue, 'submitted', now, 'interaction', args.interaction, 'job', args.document)
if args.first_try then call('HSET', keys.state(args.job), 'first_try', args.first_try) end
call('ZADD', keys.open_jobs(), now + 10, args.job)
if known then return {'duplicate'} end                   -- only what was known of the job had vanished
local tag = fair.create(args.id, args.job, args.queue, args.traits, jobs.brought(), true)
return {'held', call('ZCOUNT', keys.order(args.queue), '-inf', string.format('(%.17g', tag)),
  call('SCARD', keys.running('user:' .. args.traits.user))}
