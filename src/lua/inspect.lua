-- SPDX-License-Identifier: MIT
-- inspect: look, write nothing: so this plans nothing either.
--
-- No more than MOST holders and waiters are told one by one.

local MOST = 500
local LONGEST_NAMES = 2048
local FIELDS_MAX = 20000

local function huge(key)
  local n = redis.pcall('HLEN', key)
  if type(n) == 'number' and n > FIELDS_MAX then
    return {'wrongtype', 'key', key, 'type', 'hash of ' .. n .. ' fields'}
  end
end

local fault = check() or huge(KEYS[1]) or open(load)
if fault then return fault end
asker = nil

local s = mine[1]
local reply = {'ok', 'now', text(now), 'exists', s.exists and '1' or '0'}

local function add_who(prefix, f, suffix)
  for _, k in ipairs({'user', 'host', 'pid', 'command', 'reason'}) do
    add_text(reply, prefix .. k .. suffix, f[k])
  end
end

-- The names of a request for several, as many as fit; no name has a NUL.
local function add_names(prefix, f, suffix)
  if #f.names < 2 then return end
  local list, length = {}, 0
  for i, key in ipairs(f.names) do
    local name = string.match(key, '{(.*)}$')
    length = length + #name + 1
    if length > LONGEST_NAMES then break end
    list[i] = name
  end
  add(reply, prefix .. 'names' .. suffix, table.concat(list, '\0'))
  add(reply, prefix .. 'named' .. suffix, #f.names)
end

local function since(f)
  return math.max(0, now - f.since)
end

local function add_holder(i, token, f)
  add_text(reply, 'token.' .. i, token)
  add_text(reply, 'id.' .. i, f.id)
  add(reply, 'state.' .. i, f.state)
  add(reply, 'ends.' .. i, f.ends - now)
  add(reply, 'since.' .. i, since(f))
  add(reply, 'limit.' .. i, f.limit)
  add(reply, 'ttl.' .. i, f.ttl)
  add(reply, 'fence.' .. i, f.fence)
  add_who('', f, '.' .. i)
  add_names('', f, '.' .. i)
  add(reply, 'live.' .. i, is_live(s, token, f) and 1 or 0)
end

-- Those that have it longest first, then what is no record.  With a token: the
-- holder of that.
local function add_holders()
  local tokens = {}
  for token, f in pairs(s.holders) do
    if f.ends > now and (not ask.token or ask.token == token) then
      tokens[#tokens + 1] = token
    end
  end
  table.sort(tokens, function(a, b)
    local x, y = s.holders[a], s.holders[b]
    if x.since ~= y.since then return x.since < y.since end
    return a < b
  end)
  local n = math.min(#tokens, MOST)
  for i = 1, n do add_holder(i, tokens[i], s.holders[tokens[i]]) end
  for i = 1, math.min(#s.broken, MOST - n) do
    add_text(reply, 'token.' .. n + i, string.sub(s.broken[i], 3))
    add(reply, 'state.' .. n + i, 'broken')
  end
  add(reply, 'holders', #tokens + #s.broken)
end

local function add_waiters(most)
  if most < 1 then return end
  local line = redis.call('ZRANGE', s.key .. ':queue', 0,
    math.min(most, MOST) - 1)
  for i, token in ipairs(line) do
    local f = waiter(s, token)
    add_text(reply, 'wtoken.' .. i, token)
    if f then
      add_who('w', f, '.' .. i)
      add_names('w', f, '.' .. i)
      add(reply, 'wsince.' .. i, since(f))
      add(reply, 'wlimit.' .. i, f.limit)
    end
    add(reply, 'wlive.' .. i, is_live(s, token, f) and 1 or 0)
  end
end

local function add_last()
  local last = decode_run(s.meta.last)
  if not last then return end
  for _, k in ipairs({'user', 'host', 'pid', 'command', 'status', 'ran',
      'ended', 'since'}) do
    add_text(reply, 'last.' .. k, last[k])
  end
end

add(reply, 'waiting', ahead(s))
add(reply, 'fence', number(s.meta.fence))
local hold = held_back(s)
add(reply, 'hold', hold and number(s.meta.hold) - now)
add_holders()
add_waiters(ask.waiters or 0)
add_last()
return reply
