-- SPDX-License-Identifier: MIT
-- renew: confirm a grant, keep a lease, restore what the server forgot.

local fault = check('token', 'id', 'ttl', 'fence') or open()
if fault then return fault end

-- Who renews from outside (2.5) names one lock: the record names the others.
local own = mine[1].holders[ask.token]
if #KEYS == 3 and own and own.id == ask.id then
  for _, name in ipairs(own.names) do
    if name ~= KEYS[1] then mine[#mine + 1] = lock(name) end
  end
end

local known = words(ask.borns)

-- Given back from outside: its keeper did not hear of it (rule 10).
local function handed_back(s)
  for _, id in ipairs(words(s.meta.freed)) do
    if id == ask.id then return true end
  end
end

-- Rule 8: why the server's forgetting it does not let it come back, or nil.
local function barred(s, f)
  if s.meta.granted then return 'granted' end
  -- Who is there was restored, too: the higher fence was the later one.
  if ask.limit == 1 then
    return (number(s.meta.fence) or 0) >= ask.fence and 'gone' or nil
  end
  return not admits(s, ask.token, f, ask.fence) and 'limit' or nil
end

-- Why it is not ours, or nil.
local function refused(s, i, f)
  local own = s.holders[ask.token]
  if own and own.id == ask.id then
    return not renewable(own) and own.state or nil
  end
  if handed_back(s) then return 'released' end
  local back = forgotten(s, known[i]) and ask.confirmed == '1'
  if not back then return own and 'other' or 'gone' end
  return barred(s, f)
end

-- Never shorter: a keeper may own this lease (2.5).
local function extend(s, own)
  local till = now + ask.ttl
  if till >= own.ends then own.ends, own.ttl = till, ask.ttl end
  own.state = 'held'
  keep(s, ask.token, own)
end

-- Nothing was granted since: who is there was restored, too, and is over if he
-- held before us and not with us.
local function give_way(s)
  for token, g in pairs(s.holders) do
    if ask.limit == 1 or outlived(g, ask.fence) then
      displace(s, token, g)
      for _, name in ipairs(g.names) do
        local m = lock(name)
        if m and m.holders[token] then forget(m, token) end
      end
    end
  end
end

local function restore(s, f)
  birth(s)
  give_way(s)
  f.state, f.ends, f.fence = 'held', now + ask.ttl, ask.fence
  f.since = math.min(now, math.floor(ask.fence / 1000))
  keep(s, ask.token, f)
  if ask.limit == 1 then
    came_back_alone(s)
  elseif (number(s.meta.fence) or 0) < ask.fence then
    set(s, 'fence', text(ask.fence))
  end
end

-- Who is granted what it waited for learns now, at the latest, that it is not
-- needed any more: the next one gets the lock in this very script.
local run = ask.confirmed ~= '1' and done()
if run then
  withdraw()
  promote()
  return commit(needless(run))
end

local f = record()
for i, s in ipairs(mine) do
  local why = refused(s, i, f)
  if why then
    promote()
    return commit(lost(why, i))
  end
end

local left
for i, s in ipairs(mine) do
  local own = s.holders[ask.token]
  if own and own.id == ask.id then
    left = math.min(left or own.ends - now, own.ends - now)
    extend(s, own)
  else
    restore(s, f)
  end
  local order = queued(s)
  if order then unqueue(s, ask.token, order) end
end
local restored = false
for _, s in ipairs(mine) do
  restored = restored or s.holders[ask.token] == f
end
promote()
tell_displaced()
return commit({'ok', 'left', restored and '-1' or text(left),
  'fence', text(mine[1].holders[ask.token].fence), 'borns', borns(), 'restored', restored and '1' or '0'})
