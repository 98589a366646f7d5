-- needs: jobs
-- args: ids -> {status, ahead, cost ahead, own cost, seconds it runs, cost that runs, slots, speed, served} | {''}
-- Of the job's RQ jobs (`ids`) the last one counts that waits or runs.
-- Sums the cost before a job without reading the whole queue: after 500 jobs the average stands for the rest.
local own, job
for _, id in ipairs(args.ids) do
  local found = jobs.fields(keys.rq_job(id), 'status', 'origin', 'easel_cost', 'easel_model', 'easel_began',
    'easel_tag', 'easel_pixels', 'easel_name')
  if found.status == 'started' or jobs.WAITS[found.status] then own, job = id, found end
end
if not job then return {''} end
local queue = jobs.WAITING_STATE[job.origin] and job.origin or 'render'
local order = keys.order(queue)
local rank = call('ZRANK', order, own)
if not rank then
  rank = 0
  if job.status == 'created' then rank = call('ZCOUNT', order, '-inf', '(' .. (job.easel_tag or '0')) end
end
local function cost_of(id) return number(call('HGET', keys.rq_job(id), 'easel_cost')) end
local ahead, read = 0, math.min(rank, 500)
if read > 0 then
  for _, id in ipairs(call('ZRANGE', order, 0, read - 1)) do ahead = ahead + cost_of(id) end
  ahead = ahead * rank / read
end
local elapsed = 0
if job.status == 'started' and job.easel_began then elapsed = now - number(job.easel_began, now) end
-- a worker that was killed stays in RQ's set until another one cleans up, and there may be no other one
local slots = call('SCARD', keys.rq_workers_of(queue))
if slots <= 64 then
  slots = 0
  for _, key in ipairs(call('SMEMBERS', keys.rq_workers_of(queue))) do
    slots = slots + call('EXISTS', key)
  end
end
local model, speed = job.easel_model or '', nil
if queue == 'render' then                                -- a post takes no time to speak of
  local sized = model .. '@' .. (job.easel_pixels or '0')
  local known = jobs.fields(keys.speed(), sized, model)
  speed = known[sized] or known[model]
end
local running = 0
for _, member in ipairs(call('ZRANGE', keys.leases(queue), 0, 499)) do
  local id = string.match(member, '^(.*):')
  if id and id ~= own then running = running + cost_of(id) / 2 end
end
-- Whether any process that runs draws with the job's model; one that names no models draws with all.
local function is_served()
  if queue == 'deliver' or (job.easel_name or '') == '' then return 1 end
  local known = 1
  for _, name in ipairs(call('SMEMBERS', keys.nodes())) do
    local node = jobs.fields(keys.node(name), 'name', 'models', 'delivers', 'brings_in')
    if not node.name then call('SREM', keys.nodes(), name)
    elseif not node.delivers and not node.brings_in then
      if not node.models then return 1 end
      if string.find(',' .. node.models .. ',', ',' .. job.easel_name .. ',', 1, true) then return 1 end
      known = 0
    end
  end
  return known
end

local text = string.format
return {job.status, rank, text('%.6f', ahead), text('%.6f', number(job.easel_cost)), text('%.3f', elapsed),
  text('%.6f', running), slots, speed and text('%.9f', number(speed)) or '', is_served()}
