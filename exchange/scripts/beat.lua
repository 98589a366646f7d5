-- needs: asked
-- args: lease_s leases{{queue, id, execution}} -> per lease 1 (renewed), 2 (renewed, has to stop) or 0 (lost)
local answer = {}
for i, lease in ipairs(args.leases) do
  local queue, id, execution = unpack(lease)
  local member = id .. ':' .. execution
  if call('ZSCORE', keys.leases(queue), member) then
    call('ZADD', keys.leases(queue), 'XX', now + args.lease_s, member)
    call('ZADD', keys.executions(id), 'XX', now + args.lease_s + 60, execution)
    call('HSET', keys.execution(member), 'last_heartbeat', now)
    answer[i] = call('HEXISTS', keys.rq_job(id), 'easel_cancel') == 1 and 2 or 1
  else answer[i] = 0 end
end
return answer
