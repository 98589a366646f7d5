-- What was asked, and the time. Only a simulation brings its own clock.
local args = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = args.now or tonumber(time[1]) + tonumber(time[2]) / 1e6
