-- needs: asked
-- Only for a process that is known to be dead: its leases end now instead of when they would have run out.
-- args: queues prefix -> leases ended
local count = 0
for _, queue in ipairs(args.queues) do
  for _, member in ipairs(call('ZRANGE', keys.leases(queue), 0, -1)) do
    local worker = call('HGET', keys.execution(member), 'worker_name')
    if worker and string.sub(worker, 1, #args.prefix) == args.prefix then
      call('ZADD', keys.leases(queue), 'XX', 0, member)
      count = count + 1
    end
  end
end
local stem = keys.rq_worker(args.prefix)
for _, key in ipairs(call('SMEMBERS', keys.rq_workers())) do
  if string.sub(key, 1, #stem) == stem then
    call('DEL', key, key .. ':executions')
    call('SREM', keys.rq_workers(), key)
    for _, queue in ipairs(args.queues) do call('SREM', keys.rq_workers_of(queue), key) end
  end
end
return count
