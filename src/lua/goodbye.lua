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

local function ours(key, field)
  local json = redis.pcall('HGET', key, field)
  local readable, f = pcall(cjson.decode, json)
  return readable and type(f) == 'table' and f.id == id
    and f.state ~= 'cooling'
end

if ours(KEYS[1], 'h:' .. token) then
  redis.call('HDEL', KEYS[1], 'h:' .. token)
end
if ours(KEYS[3], token) then
  redis.pcall('ZREM', KEYS[2], token)
  redis.call('HDEL', KEYS[3], token)
end
local head = redis.pcall('ZRANGE', KEYS[2], 0, 0)
if head[1] then
  redis.pcall('PUBLISH', KEYS[1] .. ':' .. head[1], 'head 0')
end
return {'ok'}
