--- Put an instance into the ready list of its worker group. `wakes` counts, by group, what there is to wake for.
-- @include lib/enter_turns
-- @keys ready
local function enter_ready(base, scope, n, record, wakes)
  redis.call('ZADD', ready_key(base, scope, record.group), record.scheduled_ms, string.format('%010d', n))
  enter_turns(base, scope, record.group)
  wakes[record.group] = (wakes[record.group] or 0) + 1
end
