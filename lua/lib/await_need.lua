--- Wait for an instance of another schedule that is not made yet: by its id. Its making finds who does (create_instances).
-- @keys awaiting awaited unmet
local function await_need(base, scope, n, id)
  redis.call('SADD', awaiting_key(base, scope), id)
  redis.call('ZADD', awaited_key(base, scope, id), n, n)
  redis.call('SADD', unmet_key(base, scope, n), id)
end
