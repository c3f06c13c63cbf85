-- SPDX-License-Identifier: MIT
-- reset: take the lock away (rule 9); or, of a script's lease, give it back for
-- it (2.5).

local fault = check()
if fault then return fault end
-- The token names a holder here, not who asks.
asker = nil
fault = open()
if fault then return fault end

local messages = {}

-- The last ones, for keepers that do not hear the message.
local FREED = 16

local function note(s, id)
  local freed = words(s.meta.freed)
  set(s, 'freed', table.concat({id, unpack(freed, 1, FREED - 1)}, ' '))
end

-- In one of its names; --min-hold counts as for a command (rule 10).
local function hand_back(s, token, own)
  local till = own.state == 'held'
    and math.min(own.since, now) + own.handback or 0
  if own.state ~= 'pending' then note(s, own.id) end
  if till > now then
    own.state, own.ends, own.ttl = 'cooling', till, till - now
    keep(s, token, own)
  else
    forget(s, token)
  end
end

-- In all its names (rule 12).
local function take(token, f)
  local told = false
  local release = ask.release == '1'
  -- What has been given back is kept as long as that one said.
  if release and f.state == 'cooling' then return end
  local back = release and f.handback
  for _, name in ipairs(f.names) do
    local s = lock(name)
    local own = s and s.holders[token]
    if own and own.id == f.id then
      local runs = own.state == 'held' or own.state == 'revoked'
      told = told or runs
      if back then
        hand_back(s, token, own)
      elseif runs and ask.now ~= '1' then
        own.state = 'revoked'
        keep(s, token, own)
      else
        forget(s, token)
      end
    end
  end
  if told then
    messages[#messages + 1] = {f.names[1] .. ':' .. token,
      (back and 'released ' or 'revoked ') .. f.id}
  end
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
for _, m in ipairs(messages) do publish(m[1], m[2]) end
return commit(reply)
