-- SPDX-License-Identifier: MIT
-- reset: take the lock away (rule 9).

local fault = check()
if fault then return fault end
-- The token names a holder here, not who asks.
asker = nil
fault = open()
if fault then return fault end

local messages = {}

-- In all its names (rule 12).
local function take(token, f)
  local told = false
  for _, name in ipairs(f.names) do
    local s = lock(name)
    local own = s and s.holders[token]
    if own and own.id == f.id then
      local runs = own.state == 'held' or own.state == 'revoked'
      told = told or runs
      if runs and ask.now ~= '1' then
        own.state = 'revoked'
        keep(s, token, own)
      else
        forget(s, token)
      end
    end
  end
  if told then messages[#messages + 1] = f.names[1] .. ':' .. token end
end

local s = mine[1]
local count = 0
local reply = {'ok'}
local taken = {}
for token, f in pairs(s.holders) do
  if (not ask.token or ask.token == token) and (not ask.id or ask.id == f.id)
  then
    taken[token] = f
    count = count + 1
    add(reply, 'token.' .. count, token)
    add(reply, 'id.' .. count, f.id)
    add(reply, 'state.' .. count, f.state)
    add(reply, 'ends.' .. count, f.ends - now)
    add_owner(reply, f, '', '.' .. count)
  end
end
add(reply, 'count', count)
for token, f in pairs(taken) do take(token, f) end
if #s.broken > 0 then touch(s) end
promote()
for _, name in ipairs(messages) do publish(name, 'revoked') end
return commit(reply)
