-- SPDX-License-Identifier: MIT
-- acquire: one attempt that does not queue.

replied = 'acquire'
local fault = check('token', 'id', 'ttl') or open()
if fault then return fault end

-- Rule 1: admitted, and nobody live is queued before.
local function free(f)
  for _, s in ipairs(mine) do
    if live_head(s) or held_back(s) or not admits(s, ask.token, f) then
      return false
    end
  end
  return true
end

local f = record()
local loop = not own_lease() and nested(f)
if loop then return loop end
local run = not own_lease() and done()
if run then return needless(run) end

promote()
-- Granted before: the reply was lost; or it waited, and its turn has come.
local lease = own_lease()
local word = 'granted'
if not lease and free(f) then
  if used_up(f) then return no_fence() end
  word = 'held'
  refusable = true
  lease = grant(ask.token, f, 'held', now + f.ttl)
end
if lease then
  return commit({word, 'fence', text(lease.fence), 'borns', borns()})
end
local most = 0
for _, s in ipairs(mine) do most = math.max(most, ahead(s)) end
return commit(add_busy({'busy'}, most, f))
