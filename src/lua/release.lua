-- SPDX-License-Identifier: MIT
-- release: give it back (rule 10).

local fault = check('token', 'id') or open()
if fault then return fault end
-- It goes: another attempt with its token must prove to be live.
asker = nil

-- Until when a lease that ended early is kept; 126 and 127 ran nothing.  A
-- grant in the future means a clock stepped back.
local function cool_until(own)
  if own.state == 'revoked' or ask.status == 126 or ask.status == 127 then
    return 0
  end
  return math.min(own.since, now) + (ask.minhold or 0)
end

-- A run that began later and ended before counts for --once-per, but not one
-- from a clock that was stepped back.
local function superseded(s, own)
  local run = decode_run(s.meta.done)
  local since = run and number(run.since)
  return since and since > own.since and since <= now
end

-- The last run, for `status` and `history`; a success for --once-per, too, but
-- of the first name only: with others beside it, it is the job's own.
local function log(s, own, state)
  local run = encode({
    user = own.user, host = own.host, pid = own.pid, command = own.command,
    reason = own.reason, status = ask.status, ran = ask.ran or 0, ended = now,
    since = own.since, fence = own.fence, waited = ask.waited,
    state = state == 'revoked' and state or nil,
  })
  set(s, 'last', run)
  if ask.keep then
    s.log = function(till) log_run(s.key, run, ask.keep, till) end
  end
  if ask.status ~= 0 or state == 'revoked' or own.names[1] ~= s.key
      or superseded(s, own) then
    return
  end
  set(s, 'done', run)
  if ask.once then
    set(s, 'kept', text(math.max(number(s.meta.kept) or 0, now + ask.once)))
  end
end

local function give_back(s, own)
  local till, state = cool_until(own), own.state
  if till > now then
    own.state, own.ends, own.ttl = 'cooling', till, till - now
    keep(s, ask.token, own)
  else
    forget(s, ask.token)
  end
  if ask.status then log(s, own, state) end
end

-- As a reset would: the lock passes on when they are dead.
local function revoke_all(s)
  for token, g in pairs(s.holders) do
    displace(s, token, g)
    for _, name in ipairs(g.names) do
      local m = lock(name)
      local own = m and m.holders[token]
      if own then
        own.state = 'revoked'
        keep(m, token, own)
      end
    end
  end
end

local known = words(ask.borns)
local why, at, state
local function refuse(reason, i)
  if not why then why, at = reason, i end
end
for i, s in ipairs(mine) do
  if ask.limit == 1 and known[i] and known[i] ~= '0'
      and forgotten(s, known[i]) then
    -- As in a restore: the higher fence was the later one.
    if not s.meta.granted
        and (number(s.meta.fence) or 0) < (ask.fence or 0) then
      revoke_all(s)
    end
    came_back_alone(s)
  end
  local own = s.holders[ask.token]
  if not own then
    refuse('gone', i)
  elseif own.id ~= ask.id then
    refuse('other', i)
  elseif own.state == 'cooling' then
    refuse('cooling', i)
  else
    state = own.state
    give_back(s, own)
  end
end
promote()
tell_displaced()
return commit(why and lost(why, at) or {'ok', 'state', state})
