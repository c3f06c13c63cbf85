-- SPDX-License-Identifier: MIT
--
-- The last runs of a lock, for `history`: a list beside its hash, newest first.
-- Nobody needs it to go on: so no error in it is one, whether the server
-- refuses a command or the key is of another type.

local function log_run(key, run, keep, till)
  local list = key .. ':history'
  if keep == 0 then
    redis.pcall('LTRIM', list, 1, 0)
  elseif #run <= 10000 and type(redis.pcall('LPUSH', list, run)) == 'number'
  then
    redis.pcall('LTRIM', list, 0, math.min(keep, 1000) - 1)
    redis.pcall('PEXPIREAT', list, till)
  end
end
