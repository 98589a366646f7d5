-- needs: fair
-- args: id job ids queue traits caps{{scope, cap, kind}} limits{name = number} interaction document and, where jobs
-- of a person are counted, pace{cooldown_ms, limit or none}; then the hash
-- -> {'duplicate'} | {'full', kind, cap} | {'paced', why, when it may in ms (0: never)}
--    | {'held', ahead, running of the user}
local HOUR_MS = 3600000
local spent = keys.spent(args.traits.user)

-- Why a person has to wait before one more job, if they have to.
local function paced(pace)
  call('ZREMRANGEBYSCORE', spent, '-inf', now * 1000 - HOUR_MS)
  if pace.limit and call('ZCARD', spent) >= pace.limit then
    local first = number(call('ZRANGE', spent, 0, 0, 'WITHSCORES')[2])
    return {'paced', 'rate_limited', first > 0 and first + HOUR_MS or 0}
  end
  if pace.cooldown_ms == 0 then return end
  local last = number(call('ZREVRANGE', spent, 0, 0, 'WITHSCORES')[2])
  if last > 0 and now * 1000 - last < pace.cooldown_ms then
    return {'paced', 'cooldown', last + pace.cooldown_ms}
  end
end

local before = jobs.fields(keys.state(args.job), 'state', 'discarded')
if before.discarded and before.state == 'cancelled' then
  call('DEL', keys.state(args.job))
  for _, id in ipairs(args.ids) do
    call('ZREM', keys.ended('canceled', call('HGET', keys.rq_job(id), 'origin') or args.queue), id)
    call('DEL', keys.rq_job(id))
  end
elseif before.state then return {'duplicate'} end
local known = call('HGET', keys.rq_job(args.id), 'status')
if not known then
  for _, cap in ipairs(args.caps) do
    local scope, limit, kind = unpack(cap)
    if limit > 0 and jobs.count(keys.waiting, scope, limit) >= limit then return {'full', kind, limit} end
  end
  if args.pace then
    local why = paced(args.pace)
    if why then return why end
    call('ZADD', spent, math.floor(now * 1000), args.job)
    call('PEXPIRE', spent, HOUR_MS)
  end
end
for name, value in pairs(args.limits) do call('HSET', keys.limits(), name, value) end
call('HSET', keys.state(args.job), 'state', known and 'queued' or 'held', 'user', args.traits.user, 'guild',
  args.traits.guild, 'queue', args.queue, 'submitted', now, 'interaction', args.interaction, 'job', args.document)
if args.first_try then                                   -- accepted before, and vanished since
  call('HSET', keys.state(args.job), 'first_try', args.first_try)
  call('HINCRBY', keys.recovered_counts(), 'vanished', 1)
end
call('ZADD', keys.open_jobs(), now + 10, args.job)
if known then return {'duplicate'} end                   -- only what was known of the job had vanished
jobs.note(args.job, 'accepted', {queue = args.queue})
local tag = fair.create(args.id, args.job, args.queue, args.traits, jobs.brought(), true)
return {'held', call('ZCOUNT', keys.order(args.queue), '-inf', string.format('(%.17g', tag)),
  call('SCARD', keys.running('user:' .. args.traits.user))}
