-- needs: asked
-- In five seconds Discord takes so many messages in a channel (`exchange.queue.Limits`). Whoever posts there gets a
-- part of them that leaves room for the others, so that nobody's posts wait, and no slot waits with them, because one
-- person asked for much.
local pacing = {}
local POSTS, POSTS_S, PRESENT_S = 5, 5, 15

-- A place without a name has no pace.
function pacing.new()
  local places, pace = {}, {}
  local posts = number(call('HGET', keys.limits(), 'posts'), POSTS)
  local function place_of(name)
    if not places[name] then
      local key = keys.posts(name)
      local place = {key = key, people = 0, posts = {}}
      local entries = call('ZRANGEBYSCORE', key, now - PRESENT_S, '+inf', 'WITHSCORES')
      for i = 1, #entries, 2 do
        local user = string.match(entries[i], '^[^:]*')
        if not place.posts[user] then place.people = place.people + 1 end
        local recent = now - number(entries[i + 1]) < POSTS_S and 1 or 0
        place.posts[user] = (place.posts[user] or 0) + recent
      end
      places[name] = place
    end
    return places[name]
  end

  function pace.may(name, user)
    if posts <= 0 or (name or '') == '' then return true end
    local place = place_of(name)
    local own = place.posts[user or '']
    local people = own and place.people or place.people + 1
    -- one more than there are to share out: seldom does everybody post at the same moment
    return (own or 0) < math.max(1, math.min(posts - 1, math.floor((posts + 1) / people)))
  end

  function pace.note(name, user, id)
    if posts <= 0 or (name or '') == '' then return end
    local key = keys.posts(name)
    call('ZREMRANGEBYSCORE', key, '-inf', now - PRESENT_S)
    call('ZADD', key, now, (user or '') .. ':' .. id)
    call('EXPIRE', key, 60)
    places[name] = nil
  end
  return pace
end
