-- needs: asked
-- args: place fields{name} changes{name = number or null} clear{name} -> what is said there now, as JSON
-- What cannot be read counts as not said.
local readable, layer = pcall(cjson.decode, call('HGET', keys.quotas(), args.place) or '{}')
local said = {}
if readable and type(layer) == 'table' then
  for _, name in ipairs(args.fields) do
    local limit = layer[name]
    if limit == cjson.null or type(limit) == 'number' and math.abs(limit) < 1e300 then said[name] = limit end
  end
end
for name, limit in pairs(args.changes) do said[name] = limit end
for _, name in ipairs(args.clear) do said[name] = nil end
if next(said) == nil then
  call('HDEL', keys.quotas(), args.place)
  return '{}'
end
local document = cjson.encode(said)
call('HSET', keys.quotas(), args.place, document)
return document
