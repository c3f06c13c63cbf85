-- SPDX-License-Identifier: MIT
-- leave: a waiter goes, or gives back a grant it will not use (rule 13).

local fault = check('token', 'id') or open()
if fault then return fault end
asker = nil

for _, s in ipairs(mine) do
  local own = s.holders[ask.token]
  -- A revoked one, too: nothing runs under it.
  if own and own.id == ask.id and own.state ~= 'cooling' then
    forget(s, ask.token)
  end
  local order = queued(s)
  if order then unqueue(s, ask.token, order) end
end
promote()
return commit(add_busy({'ok'}, 0, record()))
