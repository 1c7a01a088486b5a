--- Wait for an instance of another schedule that is not made yet, {id, schedule, start}: by its id. Its making finds who does
-- (create_instances), and so does the activation that makes an end of its interval (forgo_step).
-- @keys awaiting awaited unmet
local function await_need(base, scope, n, awaited)
  local id, schedule, start_ms = awaited[1], awaited[2], awaited[3]
  redis.call('ZADD', awaiting_key(base, scope, schedule), start_ms, id)
  redis.call('ZADD', awaited_key(base, scope, id), n, n)
  redis.call('SADD', unmet_key(base, scope, n), id)
end
