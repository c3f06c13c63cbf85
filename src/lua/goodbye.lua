-- SPDX-License-Identifier: MIT
-- goodbye: leave, as the last word of a client that hangs up.  It follows a
-- request whose reply never came, and a server that cannot send that reply
-- drops the client before it reads on.  So this must be in the same read: it is
-- short, stands alone, and leaves the granting to the next request of the head.

local token, id
for i = 1, #ARGV, 2 do
  if ARGV[i] == 'token' then token = ARGV[i + 1] end
  if ARGV[i] == 'id' then id = ARGV[i + 1] end
end

local function read(key, field)
  local json = redis.pcall('HGET', key, field)
  local readable, f = pcall(cjson.decode, json)
  return readable and type(f) == 'table' and f or {}
end

local function ours(f)
  return f.id == id and f.state ~= 'cooling'
end

local n = #KEYS / 3
for i = 1, n do
  local key, queue, records = KEYS[i], KEYS[n + i], KEYS[2 * n + i]
  if ours(read(key, 'h:' .. token)) then
    redis.call('HDEL', key, 'h:' .. token)
  end
  if ours(read(records, token)) then
    redis.pcall('ZREM', queue, token)
    redis.call('HDEL', records, token)
  end
  local head = redis.pcall('ZRANGE', queue, 0, 0)[1]
  if head then
    -- Who waits for several names listens on the channel of his first one.
    local names = read(records, head).names
    local first = type(names) == 'table' and names[1]
    redis.pcall('PUBLISH', (type(first) == 'string' and first or key)
      .. ':' .. head, 'head 0')
  end
end
return {'ok'}
