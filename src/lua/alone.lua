-- SPDX-License-Identifier: MIT
--
-- A short cut, tried before core.lua is even set up: most locks concern nobody
-- but the asker.  Then, and only then, acquire and release are a few lines
-- (acquire.alone.lua, release.alone.lua).  Whatever is not as plain as that is
-- left to core.lua: other holders, waiters, a hold-back, several names, odd
-- requests, odd keys.

local ask = {}
for i = 1, #ARGV, 2 do ask[ARGV[i]] = ARGV[i + 1] end

-- One more is still a number that core.lua reads.
local function digits(value)
  return value and #value <= 16 and string.find(value, '^%d+$')
    and tonumber(value) < 9007199254740990
end

-- Milliseconds: core.lua judges more than these.
local function short(value)
  return value and #value <= 12 and string.find(value, '^%d+$')
end

-- Requests that core.lua has nothing to say about.
local function plain()
  return #KEYS == 3 and #ARGV % 2 == 0
    and digits(ask.limit) and short(ask.ttl) and tonumber(ask.ttl) > 0
    and short(ask.kill) and short(ask.renew) and short(ask.io)
    and not (ask.order or ask.hold or ask.waiters)
    and string.find(KEYS[1], '^[^{}]*:{.+}$')
    and KEYS[2] == KEYS[1] .. ':queue' and KEYS[3] == KEYS[1] .. ':waiters'
    and ask.token and #ask.token <= 128
    and string.find(ask.token, '^[%w._:-]+$')
    and ask.id and ask.id ~= '' and #ask.id <= 128
end

-- The lock's hash without its holder, and that one's token and record; nil if
-- anybody else is concerned.
local function alone()
  if not plain() or redis.call('EXISTS', KEYS[2], KEYS[3]) > 0 then return end
  local flat = redis.pcall('HGETALL', KEYS[1])
  if flat.err then return end
  local meta, token, record = {}, nil, nil
  for i = 1, #flat, 2 do
    if string.sub(flat[i], 1, 2) ~= 'h:' then
      meta[flat[i]] = flat[i + 1]
    elseif token then
      return
    else
      token, record = string.sub(flat[i], 3), flat[i + 1]
    end
  end
  if meta.hold or meta.kept or (meta.born and not digits(meta.born))
      or (meta.fence and not digits(meta.fence)) then
    return
  end
  return meta, token, record
end

local function text(n)
  return string.format('%.0f', n)
end

local function clock_us()
  local clock = redis.call('TIME')
  return clock[1] * 1000000 + clock[2]
end

-- A lock outlives its last use by a week, and no less than the lease.
local function expire_at(now, ends)
  return text(math.max(now + 604800000, ends))
end
