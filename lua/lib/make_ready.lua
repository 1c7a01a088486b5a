--- Make an instance ready: whoever polls its worker group may be handed it.
-- @include lib/set_state lib/enter_ready
local function make_ready(base, scope, n, record, now, wakes)
  enter_ready(base, scope, n, record, wakes)
  set_state(base, scope, n, record, 'ready', 'ready_ms', now)
end
