-- needs: asked
-- A job's hash, its way into and out of a queue, what it counts against, and its state.
local jobs = {}

-- Some fields of a hash by their names; what is missing is nil.
function jobs.fields(key, ...)
  local names, found = {...}, {}
  for i, value in ipairs(call('HMGET', key, ...)) do
    if value then found[names[i]] = value end
  end
  return found
end

-- The hash that this call brought for a job that comes into being.
function jobs.brought() return {unpack(ARGV, 2)} end

-- One line of a job's trail, for `easel jobs ID`; a day after the last one all are forgotten. A simulation, whose time
-- is not Redis', leaves none.
function jobs.note(job, did, more)
  if not job or args.now then return end
  local line = more or {}
  line.at, line.did = now, did
  call('RPUSH', keys.trail(job), cjson.encode(line))
  call('LTRIM', keys.trail(job), -100, -1)
  call('EXPIRE', keys.trail(job), 86400)
end

-- `mark` is keys.waiting or keys.running: the sets that the caps of a user and a guild count.
function jobs.mark(mark, id, present, user, guild)
  local verb = present and 'SADD' or 'SREM'
  if user and user ~= '' then call(verb, mark('user:' .. user), id) end
  if guild and guild ~= '' then call(verb, mark('guild:' .. guild), id) end
end

-- What a job is while it waits in a queue, and while it runs there.
jobs.WAITING_STATE = {intake = 'queued', render = 'queued', deliver = 'delivering'}
jobs.RUNNING_STATE = {intake = 'queued', render = 'running', deliver = 'delivering'}
jobs.ENDED = {delivered = true, failed = true, cancelled = true}
jobs.WAITS = {created = true, queued = true, scheduled = true}

-- Whether an RQ job waits or runs. A status alone says little: RQ's tools leave it behind, and so does an accident.
-- 'stray' is one that should be somewhere and is nowhere.
function jobs.whereabouts(id)
  local job = jobs.fields(keys.rq_job(id), 'status', 'origin', 'easel_execution')
  local queue, found = job.origin
  if not jobs.WAITING_STATE[queue] then return 'nowhere', job.status end
  if job.status == 'created' then found = call('ZSCORE', keys.held(), id)
  elseif job.status == 'scheduled' then found = call('ZSCORE', keys.scheduled(queue), id)
  elseif job.status == 'queued' then found = call('LPOS', keys.rq_list(queue), id)
  elseif job.status == 'started' then
    found = not job.easel_execution or call('ZSCORE', keys.leases(queue), id .. ':' .. job.easel_execution)
  else return 'nowhere', job.status end
  return found and 'there' or 'stray', job.status
end

-- How many a scope has, of a cap; members that RQ no longer calls live are dropped, because its own tools cancel, empty
-- and requeue behind our back.
function jobs.count(mark, scope, cap)
  local set = mark(scope)
  local n = call('SCARD', set)
  if n < cap then return n end
  for _, id in ipairs(call('SMEMBERS', set)) do
    local status = call('HGET', keys.rq_job(id), 'status')
    local live = status and jobs.WAITS[status]
    if mark == keys.running then live = status == 'started' end
    if not live then
      call('SREM', set, id)
      n = n - 1
    end
  end
  return n
end

function jobs.enter(id, queue, front)
  local key = keys.rq_job(id)
  local job = jobs.fields(key, 'easel_tag', 'easel_arrived', 'easel_user', 'easel_guild')
  local tag = number(job.easel_tag or call('GET', keys.virtual(queue)))
  call('HSET', key, 'status', 'queued')
  call('SADD', keys.rq_queues(), keys.rq_list(queue))
  call(front and 'LPUSH' or 'RPUSH', keys.rq_list(queue), id)
  call('ZADD', keys.order(queue), tag, id)
  call('ZADD', keys.arrivals(queue), number(job.easel_arrived, now), id)
  jobs.mark(keys.waiting, id, true, job.easel_user, job.easel_guild)
end

-- Whether an id is one that RQ would make, and so can be part of a key and of a log line.
function jobs.is_id(id) return id and string.find(id, '^[%w_-]+$') ~= nil end

-- Whether it stood in RQ's list, which is the truth.
function jobs.leave(id, queue, user, guild)
  call('ZREM', keys.order(queue), id)
  call('ZREM', keys.arrivals(queue), id)
  jobs.mark(keys.waiting, id, false, user, guild)
  return call('LREM', keys.rq_list(queue), 1, id) == 1
end

function jobs.drop_lease(id, queue, execution, worker, user, guild)
  local member = id .. ':' .. execution
  call('ZREM', keys.leases(queue), member)
  call('DEL', keys.execution(member))
  call('ZREM', keys.executions(id), execution)
  if worker then call('SREM', keys.rq_worker_executions(worker), member) end
  jobs.mark(keys.running, id, false, user, guild)
end


-- An end stands: a delivery that runs again after its post only has to tidy up.
function jobs.set_state(job, state, ttl)
  local before = job and call('HGET', keys.state(job), 'state')
  if before and (jobs.ENDED[state] or not jobs.ENDED[before]) then
    call('HSET', keys.state(job), 'state', state)
    if ttl then call('EXPIRE', keys.state(job), ttl) end
  end
end

-- A person's next turn in the fair order comes after this one, by what a job counts for. Returns where this one begins.
function jobs.charge(queue, user, share)
  local begin = number(call('GET', keys.virtual(queue)))
  if user ~= '' then
    begin = math.max(begin, number(call('ZSCORE', keys.ends(queue), user)))
    call('ZADD', keys.ends(queue), begin + share, user)
  end
  return begin
end

-- An operator's tools ask for a job again that has ended: what was said of its end no longer counts, and its person
-- pays again for what the end gave back.
function jobs.reopen(job, id, queue)
  local state = call('HGET', keys.state(job), 'state')
  if not state or not jobs.ENDED[state] or state == 'delivered' then return end
  call('HDEL', keys.state(job), 'posted_channel', 'posted_message', 'first_try')
  call('HSET', keys.state(job), 'state', jobs.WAITING_STATE[queue])
  call('PERSIST', keys.state(job))
  call('ZADD', keys.open_jobs(), now, job)
  local paid = jobs.fields(keys.rq_job(id), 'easel_payer', 'easel_share')
  jobs.charge(queue, paid.easel_payer or '', number(paid.easel_share))
  local post = 'deliver-' .. job
  if id ~= post and jobs.whereabouts(post) == 'nowhere' then call('DEL', keys.rq_job(post)) end
end

function jobs.announce(job, state, percent)
  local header = cjson.encode({job_id = job, state = state, percent = percent})
  call('PUBLISH', keys.progress_channel(), header .. '\n')
end
