-- SPDX-License-Identifier: MIT
--
-- What all scripts of the netflock protocol share.  A script is this file and
-- then one operation: it plans (reads only), publishes, then writes: rule 2 of
-- DESIGN.md 5, whose rule numbers are quoted all over.  docs/protocol.md says
-- what goes in and comes out.
--
-- The build strips comment lines: keep comments on lines of their own.
--
-- Steps of use:
--   1. check() the request, open() the locks it names
--   2. plan with keep(), forget(), place(), unqueue(), then promote()
--   3. return commit(reply)

local LARGEST = 9007199254740991
local WEEK = 604800000
local DAY_US = 86400000000
-- How long a queue outlives its last request, and a grant its message.
local QUEUE_KEPT = 600000
local GRANT_KEPT = 5000
-- Bounds that only a broken client exceeds.
local LONGEST = 1000000000000
local LONGEST_HOLD = 3600000
local LONGEST_RECORD = 1000000
local LONGEST_TOKEN = 128
local MOST_NAMES = 100
local LONGEST_TEXT = 256

local ask = {}
-- Whom rule 3 counts as live, and who learns of a grant by our reply.
local asker, replied
-- Set if the request may be refused to a full server (rule 2).
local refusable = false
-- Set once something may have been written.
local began = false
local locks, all, mine = {}, {}, {}
local touched, subscribed = {}, {}

local clock = redis.call('TIME')
local us = clock[1] * 1000000 + clock[2]
local now = math.floor(us / 1000)

-- All numbers leave as text: cjson keeps 14 digits only (rule 7).
local function text(n)
  return string.format('%.0f', n)
end

local function number(s)
  if type(s) == 'string' and #s <= 16 and string.find(s, '^%d+$') then
    local n = tonumber(s)
    return n < LARGEST and n or nil
  end
end

-- What may stand behind `h:`.
local function is_token(s)
  return #s <= LONGEST_TOKEN and string.find(s, '^[%w._:-]+$')
end

local function is_id(s)
  return type(s) == 'string' and s ~= '' and #s <= LONGEST_TOKEN
end

local function words(s)
  local list = {}
  for w in string.gmatch(s or '', '%S+') do list[#list + 1] = w end
  return list
end

-- 1. The request

local function bad(what)
  return redis.error_reply('NETFLOCK bad request: ' .. what)
end

local MILLISECONDS = {'ttl', 'kill', 'renew', 'io', 'hold', 'minhold', 'ran',
  'handback', 'waited', 'once'}
local COUNTS = {'limit', 'order', 'fence', 'status', 'waiters', 'keep', 'most'}

local function check_keys()
  local n = #KEYS / 3
  if n < 1 or n > MOST_NAMES or n % 1 ~= 0 then return bad('number of keys') end
  local seen = {}
  for i = 1, n do
    local key = KEYS[i]
    if not string.find(key, '^[^{}]*:{.+}$') or seen[key]
        or KEYS[n + i] ~= key .. ':queue'
        or KEYS[2 * n + i] ~= key .. ':waiters' then
      return bad('keys')
    end
    seen[key] = true
  end
end

-- Fill ASK; the arguments are the fields that must be there.
local function check(...)
  if #ARGV % 2 ~= 0 then return bad('odd number of fields') end
  for i = 1, #ARGV, 2 do ask[ARGV[i]] = ARGV[i + 1] end
  for _, field in ipairs({...}) do
    if not ask[field] then return bad('no ' .. field) end
  end
  for _, field in ipairs(MILLISECONDS) do
    if ask[field] then
      ask[field] = number(ask[field])
      if not ask[field] or ask[field] > LONGEST then return bad(field) end
    end
  end
  for _, field in ipairs(COUNTS) do
    if ask[field] then
      ask[field] = number(ask[field])
      if not ask[field] then return bad(field) end
    end
  end
  if ask.token and not is_token(ask.token) then return bad('token') end
  if ask.id and not is_id(ask.id) then return bad('id') end
  if ask.ttl == 0 then return bad('ttl') end
  ask.limit = ask.limit or 1
  asker = ask.token
  return check_keys()
end

-- The record of who asks, as it is kept in `waiters` and in `h:TOKEN`.
local function record()
  local names = {}
  for i, s in ipairs(mine) do names[i] = s.key end
  return {
    id = ask.id, limit = ask.limit, ttl = ask.ttl, kill = ask.kill or 0,
    renew = ask.renew or 0, io = ask.io or 0, user = ask.user,
    host = ask.host, pid = ask.pid, command = ask.command,
    reason = ask.reason, names = names, handback = ask.handback,
  }
end

-- 2. Records

local NUMBERS = {'limit', 'ttl', 'kill', 'renew', 'io', 'since', 'ends',
  'fence', 'hold'}
local BOUNDED = {'ttl', 'kill', 'renew', 'io'}
local TEXTS = {'user', 'host', 'pid', 'command', 'reason', 'borns'}
local STATES = {pending = true, held = true, cooling = true, revoked = true}

local function encode(f)
  local t = {}
  for k, v in pairs(f) do t[k] = type(v) == 'number' and text(v) or v end
  return cjson.encode(t)
end

-- A record may lead us to its other names, but to locks of our prefix only.
local function names_fit(names, key)
  if type(names) ~= 'table' or #names > MOST_NAMES then return false end
  local start = string.match(key, '^[^{]*{')
  local found = false
  for _, name in ipairs(names) do
    if type(name) ~= 'string' or string.sub(name, 1, #start) ~= start
        or string.sub(name, -1) ~= '}' then
      return false
    end
    found = found or name == key
  end
  return found
end

-- nil for anything that we did not write ourselves: what check() would refuse
-- could be neither renewed nor reset.  Ours are far shorter.
local function decode(key, json)
  if #json > LONGEST_RECORD then return nil end
  local ok, f = pcall(cjson.decode, json)
  if not ok or type(f) ~= 'table' or not is_id(f.id) or not f.limit
      or not f.ttl or not names_fit(f.names, key) then
    return nil
  end
  for _, k in ipairs(NUMBERS) do
    local n = f[k] and number(f[k])
    if f[k] and not n then return nil end
    f[k] = n or 0
  end
  for _, k in ipairs(BOUNDED) do
    if f[k] > LONGEST then return nil end
  end
  -- Most have none: it is not made up.
  if f.handback then
    f.handback = number(f.handback)
    if not f.handback or f.handback > LONGEST then return nil end
  end
  for _, k in ipairs(TEXTS) do
    if f[k] and type(f[k]) ~= 'string' then return nil end
  end
  return f
end

-- Rule 4: only these are renewed, or answer a request with "granted".
local function renewable(f)
  return f.state == 'pending' or f.state == 'held'
end

local function ours(f)
  return f and f.id == ask.id and renewable(f)
end

-- The asker's lease if it has one, and in all its names.
local function own_lease()
  for _, s in ipairs(mine) do
    if not ours(s.holders[ask.token]) then return nil end
  end
  return mine[1].holders[ask.token]
end

-- 3. A lock: what the server holds, and beside it what this script changes

local function next_change(s)
  local soonest
  for _, f in pairs(s.holders) do
    if not soonest or f.ends < soonest then soonest = f.ends end
  end
  local hold = number(s.meta.hold)
  if hold and hold > now and (not soonest or hold < soonest) then
    soonest = hold
  end
  return soonest
end

local function read_hash(s, flat)
  for i = 1, #flat, 2 do
    local field, value = flat[i], flat[i + 1]
    local token = string.match(field, '^h:(.*)$')
    if not token then
      s.meta[field] = value
    else
      local f = is_token(token) and decode(s.key, value)
      if f and STATES[f.state] then
        s.holders[token] = f
      else
        s.broken[#s.broken + 1] = field
      end
    end
  end
  if not number(s.meta.born) then s.meta.born = nil end
  -- No hold-back is as long as that, but for a clock that stepped back.
  if (number(s.meta.hold) or 0) > now + LONGEST_HOLD then s.meta.hold = nil end
end

local function read_line(s, flat)
  for i = 1, #flat, 2 do
    s.line[#s.line + 1] = {token = flat[i], order = tonumber(flat[i + 1])}
  end
end

-- Redis 7.0 does not say which command was refused: now it is said.
local function refused(reply, command)
  return nil, redis.error_reply(reply.err .. ' [' .. command .. ']')
end

-- nil and an error if a key is not ours to read: of another type, refused.
local function load(key)
  if locks[key] ~= nil then return locks[key] end
  locks[key] = false
  local hash = redis.pcall('HGETALL', key)
  if hash.err then return refused(hash, 'HGETALL') end
  local line = redis.pcall('ZRANGE', key .. ':queue', 0, 0, 'WITHSCORES')
  if line.err then return refused(line, 'ZRANGE') end
  local records = redis.pcall('HLEN', key .. ':waiters')
  if type(records) == 'table' then return refused(records, 'HLEN') end
  local s = {
    key = key, exists = #hash > 0, meta = {}, holders = {}, broken = {},
    -- the queue: what was read of it so far, whom to skip, whom to remove
    line = {}, at = 1, read_all = #line == 0, skip = {}, out = {}, orders = {},
    waiters = {}, records = records,
    -- what to write: hash and waiters, field -> record, text, false to delete
    put = {}, put_waiter = {},
    -- release: adds the run to the history, given when that is to expire
    log = nil,
  }
  read_hash(s, hash)
  read_line(s, line)
  s.first_head = s.line[1] and s.line[1].token
  s.first_change = next_change(s)
  locks[key] = s
  all[#all + 1] = s
  return s
end

-- Every changed lock is looked at by promote().
local function touch(s)
  s.dirty = true
  touched[#touched + 1] = s
end

local function set(s, field, value)
  s.meta[field] = value
  s.put[field] = value or false
  s.dirty = true
end

local function keep(s, token, f)
  s.holders[token] = f
  s.put['h:' .. token] = f
  touch(s)
end

local function forget(s, token)
  s.holders[token] = nil
  s.put['h:' .. token] = false
  touch(s)
end

local function birth(s)
  if not s.meta.born then set(s, 'born', text(us)) end
end

-- 4. The queue: read lazily, never as a whole

local function stored_head(s)
  while true do
    local w = s.line[s.at]
    if not w then
      if s.read_all then return nil end
      local from = #s.line
      read_line(s, redis.call('ZRANGE', s.key .. ':queue', from,
        from + math.min(from, 100), 'WITHSCORES'))
      s.read_all = #s.line == from
    elseif s.skip[w.token] then
      s.at = s.at + 1
    else
      return w
    end
  end
end

local function before(a, b)
  return a.order < b.order or (a.order == b.order and a.token < b.token)
end

local function head(s)
  local w = stored_head(s)
  if s.placed and (not w or before(s.placed, w)) then return s.placed end
  return w
end

-- The waiter's record, or false.
local function waiter(s, token)
  local f = s.waiters[token]
  if f == nil then
    local json = redis.call('HGET', s.key .. ':waiters', token)
    f = json and is_token(token) and decode(s.key, json) or false
    s.waiters[token] = f
  end
  return f
end

local function unqueue(s, token, order)
  if s.placed and s.placed.token == token then s.placed = nil end
  s.skip[token] = true
  s.out[#s.out + 1] = token
  s.orders[#s.orders + 1] = order
  s.waiters[token] = false
  s.put_waiter[token] = nil
  touch(s)
end

local function place(s, token, order, f)
  s.placed = {token = token, order = order}
  s.skip[token] = true
  s.waiters[token] = f
  s.put_waiter[token] = f
  touch(s)
end

-- Its order number if TOKEN waits and is this very attempt, or nobody's.
local function queued(s)
  if not s.line[1] then return nil end
  local order = redis.call('ZSCORE', s.key .. ':queue', ask.token)
  if not order then return nil end
  local f = waiter(s, ask.token)
  if f and f.id ~= ask.id then return nil end
  return tonumber(order)
end

local function ahead(s, order)
  if not order then
    if s.read_all and not s.line[1] then return 0 end
    return redis.call('ZCARD', s.key .. ':queue') - #s.out
  end
  local n = redis.call('ZCOUNT', s.key .. ':queue', '-inf', '(' .. text(order))
  for _, o in ipairs(s.orders) do
    if o < order then n = n - 1 end
  end
  return n
end

-- 5. Live or dead (rule 3)

local function channel(s, token, f)
  return (f and f.names[1] or s.key) .. ':' .. token
end

local function is_live(s, token, f)
  if token == asker then return true end
  local name = channel(s, token, f)
  if subscribed[name] == nil then
    local n = redis.pcall('PUBSUB', 'NUMSUB', name)
    -- Who may not count subscribers takes everybody for live.
    subscribed[name] = n.err ~= nil or n[2] > 0
  end
  return subscribed[name]
end

local lock

-- A dead waiter or pending grantee goes as a whole (rule 12).
local function drop(s, token, f, order)
  for _, name in ipairs(f and f.names or {s.key}) do
    local m = lock(name)
    if m then
      local g = m.holders[token]
      if g and g.state == 'pending' then forget(m, token) end
      if order then unqueue(m, token, order) end
    end
  end
end

-- Expired leases and dead grantees go before anything is judged.
local function settle(s)
  for token, f in pairs(s.holders) do
    if f.ends <= now then
      forget(s, token)
    elseif f.state == 'pending' and not is_live(s, token, f) then
      drop(s, token, f)
    elseif f.ends - now > f.ttl then
      -- The clock was stepped back: that costs one ttl, not the step (rule 7).
      f.ends = now + f.ttl
      keep(s, token, f)
    end
  end
end

-- A settled lock; nil if it cannot be read.
lock = function(key)
  local s, err = load(key)
  if s and not s.settled then
    s.settled = true
    settle(s)
  end
  return s, err
end

-- The head once the dead ones are gone, and its record.
local function live_head(s)
  while true do
    local w = head(s)
    if not w then return nil end
    local f = waiter(s, w.token)
    if is_live(s, w.token, f) then return w, f end
    drop(s, w.token, f, w.order)
    -- In case the record does not name the lock that it was found in.
    if not s.skip[w.token] then unqueue(s, w.token, w.order) end
  end
end

-- 6. Granting

local function limit(f)
  return f.limit > 0 and f.limit or math.huge
end

-- Rule 8: whoever held alone before the one of this fence is over.
local function outlived(g, fence)
  return fence and g.limit == 1 and g.fence < fence
end

-- Rule 1.  One token's record is never replaced by another attempt's.  FENCE is
-- for a restore only.
local function admits(s, token, f, fence)
  local count, least = 1, limit(f)
  for t, g in pairs(s.holders) do
    if t ~= token then
      if not outlived(g, fence) then
        count = count + 1
        least = math.min(least, limit(g))
      end
    elseif g.id ~= f.id or not renewable(g) then
      return false
    end
  end
  return count <= least
end

-- Rule 8: somebody knew of a holder that this birth of the lock does not.
local function doubt(s, born, hold)
  if not born or born == '0' or born == s.meta.born or s.meta.heard
      or hold == 0 then
    return
  end
  local from = number(s.meta.born) or us
  local till = math.floor(from / 1000) + math.min(hold, LONGEST_HOLD)
  if till > now and till > (number(s.meta.hold) or 0) then
    birth(s)
    set(s, 'hold', text(till))
    touch(s)
  end
end

-- A birth in the future means a clock stepped back: then it does not count.
local function held_back(s)
  local till = number(s.meta.hold)
  return till and till > now and s.meta.born
    and tonumber(s.meta.born) <= us
end

-- Rule 8: whether the lock was born anew since the asker knew it as BORN.
local function forgotten(s, born)
  return not s.meta.born or (born and born ~= '0' and born ~= s.meta.born)
end

-- Rule 8: an exclusive holder from before this birth knows of no others, and
-- nobody from before it can come back.
local function came_back_alone(s)
  birth(s)
  set(s, 'heard', '1')
  if s.meta.hold then set(s, 'hold', nil) end
  if ask.fence and (number(s.meta.fence) or 0) < ask.fence then
    set(s, 'fence', text(ask.fence))
  end
  touch(s)
end

-- Rule 8: G was restored, and a later holder from before this birth is heard:
-- it runs beside that, or beside what that ran.  Told, it ends now, not at its
-- next renewal.
local displaced = {}

local function displace(s, token, g)
  if token ~= ask.token then
    displaced[#displaced + 1] = {channel(s, token, g), 'displaced ' .. g.id}
  end
end

-- Rule 7: the clock, but never backwards in any of the names.
local function next_fence(f)
  local fence = us
  for _, name in ipairs(f.names) do
    local last = number(lock(name).meta.fence) or 0
    if last >= fence then fence = last + 1 end
  end
  return fence
end

-- Rule 7: a number that number() does not read would hide the holder.
local function used_up(f)
  return next_fence(f) >= LARGEST
end

local function no_fence()
  return redis.error_reply('NETFLOCK fence is used up: delete the lock\'s hash')
end

-- F's record becomes TOKEN's lease in all its names.
local function grant(token, f, state, till, order)
  local lease = {
    state = state, since = now, ends = till, id = f.id, limit = f.limit,
    ttl = f.ttl, kill = f.kill, renew = f.renew, io = f.io, user = f.user,
    host = f.host, pid = f.pid, command = f.command, reason = f.reason,
    names = f.names, fence = next_fence(f), handback = f.handback,
  }
  for _, name in ipairs(f.names) do
    local s = lock(name)
    birth(s)
    if order then unqueue(s, token, order) end
    keep(s, token, lease)
    set(s, 'fence', text(lease.fence))
    if not s.meta.granted then set(s, 'granted', '1') end
  end
  return lease
end

-- Whether the head of a lock, with this record, may have all its names.
local function admissible(token, f)
  local borns = words(f.borns)
  -- All of them: what has changed in one that we only look at is to be acted
  -- on, too, before anybody is told.
  for _, name in ipairs(f.names) do lock(name) end
  for i, name in ipairs(f.names) do
    local s = lock(name)
    if not s or s.mute then return false end
    local w = live_head(s)
    if not w or w.token ~= token then return false end
    doubt(s, borns[i], f.hold or 0)
    if held_back(s) or not admits(s, token, f) then return false end
  end
  return true
end

local function publish(name, message)
  return type(redis.pcall('PUBLISH', name, message)) ~= 'table'
end

local function grant_head(s)
  local w, f = live_head(s)
  if not w or not f or not admissible(w.token, f) or used_up(f) then
    return false
  end
  local told = replied and w.token == ask.token and f.id == ask.id
  -- Rule 2: who cannot be told is not granted, nor is anybody behind it.
  if not told and not publish(channel(s, w.token, f),
      'granted ' .. text(next_fence(f))) then
    for _, name in ipairs(f.names) do lock(name).mute = true end
    return false
  end
  grant(w.token, f, 'pending', now + math.min(GRANT_KEPT, f.ttl), w.order)
  return true
end

-- Grant to every head that rule 1 admits; a change may reach further locks.
local function promote()
  for _, s in ipairs(mine) do touched[#touched + 1] = s end
  while #touched > 0 do
    local s = table.remove(touched)
    while grant_head(s) do end
  end
end

-- 7. Publish, write

local function soonest(f)
  local first
  for _, name in ipairs(f.names) do
    local s = lock(name)
    local t = s and next_change(s)
    if t and (not first or t < first) then first = t end
  end
  return first and math.max(0, first - now)
end

local function tell_displaced()
  for _, m in ipairs(displaced) do publish(m[1], m[2]) end
end

-- Rule 6: the head watches, and is told whenever its watch changes.
local function tell_head(s)
  local w = head(s)
  if not w or (replied == 'queue' and w.token == ask.token) then return end
  local f = waiter(s, w.token)
  if not f then
    publish(channel(s, w.token), 'head 0')
  elseif s.dirty and not s.mute and (w.token ~= s.first_head
      or next_change(s) ~= s.first_change) then
    publish(channel(s, w.token, f), 'head ' .. text(soonest(f) or 30000))
  end
end

-- WRITE names its command itself: the line is all that Redis 7.0 tells about
-- a command that the user may not run.
local function batched(write, list)
  for i = 1, #list, 1000 do
    write(unpack(list, i, math.min(i + 999, #list)))
  end
end

local function write_queue(s)
  local key = s.key .. ':queue'
  local records = s.key .. ':waiters'
  if s.placed then
    redis.call('ZADD', key, text(s.placed.order), s.placed.token)
    for token, f in pairs(s.put_waiter) do
      redis.call('HSET', records, token, encode(f))
    end
    redis.call('PEXPIRE', key, text(QUEUE_KEPT))
    redis.call('PEXPIRE', records, text(QUEUE_KEPT))
  end
  if s.empty then
    if s.records > 0 or #s.out > 0 then redis.call('DEL', key, records) end
  else
    batched(function(...) redis.call('ZREM', key, ...) end, s.out)
    batched(function(...) redis.call('HDEL', records, ...) end, s.out)
  end
end

local function write(s)
  local sets, dels, last = {}, s.broken, now + WEEK
  for field, value in pairs(s.put) do
    if value then
      sets[#sets + 1] = field
      sets[#sets + 1] = type(value) == 'table' and encode(value) or value
    else
      dels[#dels + 1] = field
    end
  end
  for _, f in pairs(s.holders) do last = math.max(last, f.ends) end
  -- A success is remembered for as long as --once-per asked for it.
  last = math.max(last, math.min(number(s.meta.kept) or 0, now + LONGEST))
  -- A write that a full server allows comes first, and opens the door for the
  -- others; but a new request is to be refused before anything is written.
  if not refusable then redis.call('PEXPIREAT', s.key, text(last)) end
  batched(function(...) redis.call('HSET', s.key, ...) end, sets)
  began = true
  if s.placed or #s.out > 0 or s.empty then write_queue(s) end
  batched(function(...) redis.call('HDEL', s.key, ...) end, dels)
  if (refusable or not s.exists) and #sets > 0 then
    redis.call('PEXPIREAT', s.key, text(last))
  end
  if s.log then s.log(text(last)) end
end

-- A new request that a command was refused for, in the middle of it: then
-- nobody is told that he has the lock, so he must not have it.
local function take_back()
  for _, s in ipairs(mine) do
    if s.put['h:' .. ask.token] then
      redis.pcall('HDEL', s.key, 'h:' .. ask.token)
      s.put['h:' .. ask.token] = nil
    end
  end
end

-- Everything that was planned; REPLY is handed through.  The request's own
-- locks were loaded first: so they are written first.
local function commit(reply)
  for _, s in ipairs(all) do tell_head(s) end
  for _, s in ipairs(all) do s.empty = s.dirty and not head(s) end
  for _, s in ipairs(all) do
    if s.dirty then
      local written, err = pcall(write, s)
      if not written then
        if refusable and began then take_back() end
        -- Fail again, where its line is told.
        write(s)
        return type(err) == 'table' and err or redis.error_reply(err)
      end
    end
  end
  return reply
end

-- 8. Replies

local function add(reply, field, value)
  if value then
    reply[#reply + 1] = field
    reply[#reply + 1] = type(value) == 'number' and text(value) or value
  end
end

-- What others wrote may be huge.
local function add_text(reply, field, value)
  if value and #value > LONGEST_TEXT then
    value = string.sub(value, 1, LONGEST_TEXT - 3) .. '...'
  end
  add(reply, field, value)
end

-- The fields of a run, as JSON; nil for what is none.
local function decode_run(json)
  if not json or #json > LONGEST_RECORD then return nil end
  local ok, run = pcall(cjson.decode, json)
  if not ok or type(run) ~= 'table' then return nil end
  for k, v in pairs(run) do
    if type(v) ~= 'string' then run[k] = nil end
  end
  return run
end

-- The run that makes the asker's needless (--once-per), or nil: it succeeded
-- and began less than `once` ago.  A start in the future means a clock stepped
-- back: a small step must not let the job run twice, a large one not keep it
-- from running.
local function done()
  local run = ask.once and decode_run(mine[1].meta.done)
  local since = run and number(run.since)
  if since and math.abs(now - since) < ask.once then return run end
end

local function add_owner(reply, f, prefix, suffix)
  for _, k in ipairs({'user', 'host', 'pid', 'command', 'reason'}) do
    add(reply, (prefix or '') .. k .. (suffix or ''), f[k])
  end
  return reply
end

local function borns()
  local list = {}
  for i, s in ipairs(mine) do list[i] = s.meta.born or '0' end
  return table.concat(list, ' ')
end

-- Of these locks: the holder whose lease ends last, how many there are, and
-- their `hold`.
local function rival(these)
  local last, count, hold = nil, 0, 0
  for _, s in ipairs(these) do
    for token, f in pairs(s.holders) do
      if not (token == ask.token and ours(f)) then
        count = count + 1
        hold = math.max(hold, math.min(f.renew + f.io, LONGEST))
        if not last or f.ends > last.ends then last = f end
      end
    end
  end
  return last, count, hold
end

-- Which of several names a reply is about.
local function add_lock(reply, i)
  if #mine > 1 then add(reply, 'lock', i) end
  return reply
end

-- The lock that keeps F out, by its place among the names: by its holders, else
-- by its queue.
local function obstacle(f)
  local behind
  for i, s in ipairs(mine) do
    if held_back(s) or not admits(s, ask.token, f) then return i end
    local w = head(s)
    if not behind and w and w.token ~= ask.token then behind = i end
  end
  return behind or 1
end

local function add_busy(reply, before_us, f)
  local _, count, hold = rival(mine)
  local at = obstacle(f)
  local last, there = rival({mine[at]})
  add(reply, 'borns', borns())
  add(reply, 'holders', count)
  add(reply, 'ahead', before_us)
  add(reply, 'hold', hold)
  add_lock(reply, at)
  if last then
    add_owner(reply, last)
    add(reply, 'also', there - 1)
    add(reply, 'state', last.state)
    add(reply, 'since', math.max(0, now - last.since))
    add(reply, 'ends', last.ends - now)
  end
  return reply
end

-- For WHY, in the name of this place.
local function lost(why, at)
  local reply = {'lost', 'why', why, 'borns', borns()}
  local f = rival({mine[at]})
  -- Our own, once it is revoked, is nobody else's.
  if f and f.id ~= ask.id then add_owner(reply, f) end
  return add_lock(reply, at)
end

-- The locks the request names: a reply if one is not a lock.
local function open(look)
  for i = 1, #KEYS / 3 do
    local s, err = (look or lock)(KEYS[i])
    if not s then
      for _, k in ipairs({{'', 'hash'}, {':queue', 'zset'},
          {':waiters', 'hash'}}) do
        local kind = redis.call('TYPE', KEYS[i] .. k[1]).ok
        if kind ~= 'none' and kind ~= k[2] then
          return {'wrongtype', 'key', KEYS[i] .. k[1], 'type', kind}
        end
      end
      return err
    end
    mine[i] = s
  end
end

-- The ancestor that F of TOKEN would wait for in S, if the ancestors alone
-- keep it out (2.6): then F, or who waits behind it, would wait for itself.
local function ancestor(s, token, f)
  if not ask.chain or ask.chain == '' then return nil end
  local chain = ',' .. ask.chain .. ','
  local count, least, found = 1, limit(f), nil
  for t, g in pairs(s.holders) do
    if g.state ~= 'cooling' and string.find(chain, ',' .. t .. ',', 1, true)
        and not (t == token and g.id == f.id) then
      count = count + (t == token and math.huge or 1)
      least = math.min(least, limit(g))
      found = g
    end
  end
  return count > least and found or nil
end

-- The reply that says so, or nil.
local function nested(f)
  for i, s in ipairs(mine) do
    local parent = ancestor(s, ask.token, f)
    if parent then return add_lock(add_owner({'nested'}, parent), i) end
  end
end

-- The asker goes, with its place or its grant: nothing runs under that.
local function withdraw()
  for _, s in ipairs(mine) do
    if ours(s.holders[ask.token]) then forget(s, ask.token) end
    local order = queued(s)
    if order then unqueue(s, ask.token, order) end
  end
  asker = nil
end

-- Somebody has done it: the reply that says who, and when.
local function needless(run)
  local reply = {'done'}
  for _, k in ipairs({'user', 'host', 'pid', 'command', 'reason'}) do
    add_text(reply, k, run[k])
  end
  for _, k in ipairs({'since', 'ended'}) do
    local at = number(run[k])
    add(reply, k, at and math.max(0, now - at))
  end
  return reply
end
