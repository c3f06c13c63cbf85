-- SPDX-License-Identifier: MIT
-- release, where nobody waits, nothing was forgotten and nothing is to cool.

local function leave_alone()
  local meta, holder, record = alone()
  if not meta or holder ~= ask.token or meta.born ~= ask.borns
      or (ask.minhold or '0') ~= '0'
      or (ask.fence and not digits(ask.fence))
      or (ask.status and not digits(ask.status))
      or (ask.ran and not short(ask.ran))
      or (ask.waited and not short(ask.waited)) or ask.once
      or (ask.keep and not short(ask.keep)) then
    return
  end
  local now = math.floor(clock_us() / 1000)
  local readable, own = pcall(cjson.decode, record)
  if not readable or type(own) ~= 'table' or own.id ~= ask.id
      or (own.state ~= 'held' and own.state ~= 'pending')
      or (tonumber(own.ends) or 0) <= now
      or type(own.names) ~= 'table' or #own.names ~= 1
      -- Several overlap: which success is the latest?
      or own.limit ~= '1' then
    return
  end
  -- First a write that a full server allows (rule 2).
  local till = expire_at(now, 0)
  redis.call('PEXPIREAT', KEYS[1], till)
  redis.call('HDEL', KEYS[1], 'h:' .. holder)
  if ask.status then
    local run = cjson.encode({
      user = own.user, host = own.host, pid = own.pid, command = own.command,
      reason = own.reason, status = ask.status, ran = ask.ran or '0',
      ended = text(now), since = own.since, fence = own.fence,
      waited = ask.waited,
    })
    redis.call('HSET', KEYS[1], 'last', run,
      tonumber(ask.status) == 0 and 'done' or 'last', run)
    if ask.keep then log_run(KEYS[1], run, tonumber(ask.keep), till) end
  end
  return {'ok', 'state', own.state}
end

local left = leave_alone()
if left then return left end
