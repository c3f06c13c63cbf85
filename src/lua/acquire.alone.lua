-- SPDX-License-Identifier: MIT
-- acquire, where there is neither holder nor waiter.

local function take()
  local meta, holder = alone()
  if not meta or holder or ask.fence or ask.status or ask.ran or ask.minhold
      or (ask.handback and not short(ask.handback))
      or ask.once then
    return
  end
  local us = clock_us()
  local now = math.floor(us / 1000)
  local ends = now + tonumber(ask.ttl)
  local fence = text(math.max(us, tonumber(meta.fence or '0') + 1))
  local born = meta.born or text(us)
  local record = cjson.encode({
    state = 'held', since = text(now), ends = text(ends), id = ask.id,
    limit = ask.limit, ttl = ask.ttl, kill = ask.kill, renew = ask.renew,
    io = ask.io, user = ask.user, host = ask.host, pid = ask.pid,
    command = ask.command, reason = ask.reason, names = {KEYS[1]},
    fence = fence, handback = ask.handback,
  })
  -- First what a full server refuses (rule 2).
  redis.call('HSET', KEYS[1], 'h:' .. ask.token, record, 'fence', fence,
    'born', born, 'granted', '1')
  local kept = redis.pcall('PEXPIREAT', KEYS[1], expire_at(now, ends))
  if type(kept) == 'table' then
    -- Nobody is told that he has the lock: so he must not have it.
    redis.pcall('HDEL', KEYS[1], 'h:' .. ask.token)
    return redis.error_reply(kept.err .. ' [PEXPIREAT]')
  end
  return {'held', 'fence', fence, 'borns', born}
end

local taken = take()
if taken then return taken end
