-- needs: asked
-- args: keys commands -> what Redis said to each command that is refused for want of a right, once each
-- Every command is tried on every key: names that nothing else uses. Their arguments make no sense, so most fail for
-- another reason, which is as good as success; the right is checked before.
local refused, seen = {}, {}
for _, key in ipairs(args.keys) do
  for _, command in ipairs(args.commands) do
    local arguments = {}
    local answer
    repeat
      arguments[#arguments + 1] = key
      answer = redis.pcall(command, unpack(arguments))
      local short = type(answer) == 'table' and answer.err and string.find(answer.err, 'rong number of arg', 1, true)
    until not short or #arguments >= 5
    local words = type(answer) == 'table' and answer.err or ''
    if string.find(words, 'permission', 1, true) or string.find(words, 'NOPERM', 1, true) then
      local what = command .. ' ' .. words
      if not seen[what] then
        seen[what] = true
        refused[#refused + 1] = what
      end
    end
  end
  redis.pcall('DEL', key)
end
return refused
