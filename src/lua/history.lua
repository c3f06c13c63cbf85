-- SPDX-License-Identifier: MIT
-- history: the last runs, newest first; writes nothing.

local FIELDS = {'user', 'host', 'pid', 'command', 'reason', 'status', 'ran',
  'ended', 'since', 'fence', 'waited', 'state'}

local fault = check()
if fault then return fault end

local key = KEYS[1] .. ':history'
local list = redis.pcall('LRANGE', key, 0, math.min(ask.most or 20, 1000) - 1)
if list.err then
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'list' and kind ~= 'none' then
    return {'wrongtype', 'key', key, 'type', kind}
  end
  local _, err = refused(list, 'LRANGE')
  return err
end

local reply = {'ok', 'now', text(now)}
local count = 0
for _, json in ipairs(list) do
  local run = decode_run(json)
  if run then
    count = count + 1
    for _, k in ipairs(FIELDS) do
      add_text(reply, k .. '.' .. count, run[k])
    end
  end
end
add(reply, 'runs', count)
return reply
