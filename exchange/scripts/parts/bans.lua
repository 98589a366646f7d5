-- needs: asked
-- Bans of people, as JSON of `exchange.policy.Ban`.
local bans = {}

-- When a ban ends, in Unix milliseconds. One that cannot be read was meant, and ends as little as one for ever.
local function ends_ms(ban)
  local readable, document = pcall(cjson.decode, ban)
  local until_ms = readable and type(document) == 'table' and document.until_ms
  return type(until_ms) == 'number' and until_ms or math.huge
end

-- A time-out is no way out of a ban that lasts longer. Whether it holds now.
function bans.time_out(user, ban)
  local present = call('HGET', keys.bans('user'), user)
  if present and ends_ms(present) >= ends_ms(ban) then return false end
  call('HSET', keys.bans('user'), user, ban)
  return true
end
