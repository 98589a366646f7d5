-- needs: fair
-- args: id job queue traits lease{queue id execution} again; then the hash
-- -> 1 new, 0 there already, -1 the caller's lease is gone, -2 it has been cancelled
-- `again`: in place of one that has ended.
if args.lease then
  local queue, id, execution = unpack(args.lease)
  if not call('ZSCORE', keys.leases(queue), id .. ':' .. execution) then return -1 end
  if call('HEXISTS', keys.rq_job(id), 'easel_cancel') == 1 then return -2 end
end
if call('EXISTS', keys.rq_job(args.id)) == 1 then
  if not args.again or jobs.whereabouts(args.id) ~= 'nowhere' then return 0 end
  call('DEL', keys.rq_job(args.id))
end
if call('HEXISTS', keys.state(args.job), 'posted_message') == 1 then return 0 end
fair.create(args.id, args.job, args.queue, args.traits, jobs.brought(), false)
return 1
