-- What was asked, the time, and how Redis is asked. Only a simulation brings its own clock.
local args = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = args.now or tonumber(time[1]) + tonumber(time[2]) / 1e6

-- Somebody else's entry, or a damaged one, is put aside and noted; the next recovery tells the log. It stops nobody.
local function quarantine(what, why)
  if redis.call('TYPE', keys.quarantined()).ok ~= 'list' then redis.call('DEL', keys.quarantined()) end
  redis.call('RPUSH', keys.quarantined(), what .. ': ' .. why)
  redis.call('LTRIM', keys.quarantined(), -1000, -1)
  redis.pcall('HINCRBY', keys.recovered_counts(), 'put_aside', 1)
end

-- A key of the wrong type gets another name, by which it can be looked at for a week.
local function put_aside(key, why)
  redis.call('RENAME', key, keys.quarantine(key))
  redis.call('EXPIRE', keys.quarantine(key), 604800)
  quarantine(key, why)
end

-- redis.call, except that a key of the wrong type and a number that is none do not stand in the way. Any other error,
-- such as a full or read-only Redis, ends the script.
local function call(...)
  local answer = redis.pcall(...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  local command, key, field = ...
  local no_number = string.find(answer.err, 'not a', 1, true)   -- not an integer, not a float, not a valid float
  if string.find(answer.err, 'WRONGTYPE', 1, true) or no_number and command == 'INCR' then
    put_aside(key, answer.err)
  elseif no_number and (command == 'HINCRBY' or command == 'HINCRBYFLOAT') then
    redis.call('HDEL', key, field)
    quarantine(key .. ' ' .. field, answer.err)
  else error(answer) end
  return redis.call(...)
end

-- A number from Redis; `default` (0) for what is none, infinite included.
local function number(value, default)
  local read = tonumber(value)
  if read and read == read and math.abs(read) < 1e300 then return read end
  return default or 0
end
