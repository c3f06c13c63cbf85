-- SPDX-License-Identifier: MIT
-- queue: ask for a place, or whether it is our turn (rule 6).

replied = 'queue'
local fault = check('token', 'id', 'ttl') or open()
if fault then return fault end

-- The last place given, as far as the server knows: the hash may be lost while
-- the queue is not; but no number from a clock that went mad (rule 7).
local function last_order(s)
  local last = redis.call('ZREVRANGE', s.key .. ':queue', 0, 0, 'WITHSCORES')[2]
  last = tonumber(last) or 0
  if last >= us + DAY_US then last = 0 end
  local order = number(s.meta.order) or 0
  -- A number above it would not be read.
  if order + 1 >= LARGEST then order = 0 end
  return math.max(order, last)
end

-- The number it presents, else the one it has (a lost reply), else the next.
local function order_number(known)
  if ask.order then return ask.order end
  local order = known
  if not order then
    order = us
    for _, s in ipairs(mine) do
      local last = last_order(s)
      if last >= order then order = last + 1 end
    end
  end
  return order
end

-- Its place in all its names; a presented number raises the last one, unless
-- it comes from a clock that went mad (rule 7).
local function enqueue(f, order)
  for _, s in ipairs(mine) do
    birth(s)
    place(s, ask.token, order, f)
    if order > (number(s.meta.order) or 0)
        and (not ask.order or order < us + DAY_US) then
      set(s, 'order', text(order))
    end
  end
end

-- Rule 12: one number everywhere, though a place may be lost somewhere.
local function known_order()
  local known
  for _, s in ipairs(mine) do
    local order = queued(s)
    known = order and math.max(known or 0, order) or known
  end
  return known
end

-- What it will know after this reply (rule 8): the holders of now, if any.
local function remember(f)
  local _, count, hold = rival(mine)
  if count > 0 then
    f.borns, f.hold = borns(), hold
  else
    f.borns, f.hold = ask.borns, ask.hold
  end
end

-- An ancestor may keep out the head that we would wait behind (2.6).
local function nested_behind()
  for i, s in ipairs(mine) do
    local w, f = live_head(s)
    local parent = f and w.token ~= ask.token and ancestor(s, w.token, f)
    if parent then return add_lock(add_owner({'nested'}, parent), i) end
  end
end

local f = record()
local lease = own_lease()
if not lease then
  local loop = nested(f) or nested_behind()
  if loop then return loop end
  local run = done()
  if run then
    withdraw()
    promote()
    return commit(needless(run))
  end
  -- Who waits would wait for ever.
  if used_up(f) then return no_fence() end
  local known = known_order()
  -- Rule 2: to ask again must work on a full server, too.
  refusable = not (known or ask.order)
  local order = order_number(known)
  f.since = math.min(now, math.floor(order / 1000))
  for i, born in ipairs(words(ask.borns)) do
    if mine[i] then doubt(mine[i], born, ask.hold or 0) end
  end
  enqueue(f, order)
  remember(f)
  promote()
  lease = own_lease()
  if not lease then
    local position = 1
    for _, s in ipairs(mine) do
      if head(s).token ~= ask.token then
        position = math.max(position, 2, ahead(s, order) + 1)
      end
    end
    local reply = {'queued', 'order', text(order), 'position', text(position)}
    add(reply, 'next', soonest(f))
    return commit(add_busy(reply, position - 1, f))
  end
else
  promote()
end
return commit({'granted', 'fence', text(lease.fence), 'borns', borns()})
