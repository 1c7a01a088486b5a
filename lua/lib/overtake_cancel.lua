--- A deactivation cancels all of a pipeline at once; its cursor passes over the instances later. Whoever meets one before
-- the cursor does cancels it on the way: true if that was done. An instance that was run again since then is spared.
-- What depends on it is canceled as well, so nobody is told.
-- @include lib/cancel_instance
local function is_doomed(n, record, canceling, cancel_to)
  return canceling and record.state and record.state ~= 'terminal' and tonumber(n) <= tonumber(cancel_to)
    and record.spared ~= canceling
end

local function overtake_cancel(base, scope, n, record, canceling, cancel_to, now)
  if not is_doomed(n, record, canceling, cancel_to) then
    return false
  end
  record.quiet, record.interrupted = true, record.schedule
  cancel_instance(base, scope, n, record, 'deactivation', now)
  return true
end
