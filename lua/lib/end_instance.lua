--- Give an instance its terminal status.
-- @include lib/set_state
local function end_instance(base, scope, n, record, status, now, ...)
  record.status = status
  set_state(base, scope, n, record, 'terminal', 'status', status, 'ended_ms', now, ...)
end
