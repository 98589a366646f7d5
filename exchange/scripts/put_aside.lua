-- needs: asked
-- Puts aside those of the keys that hold something else than they are for. Says how many there were.
local found = 0
for _, one in ipairs(args.keys) do
  local present = redis.call('TYPE', one.name).ok
  if present ~= 'none' and present ~= one.holds then
    put_aside(one.name, 'a ' .. present .. ' where a ' .. one.holds .. ' belongs')
    found = found + 1
  end
end
return found
