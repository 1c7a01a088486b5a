--- Count an account's instances that have not ended: those of a run as a whole when it begins, though a cursor makes them.
-- An account without any has no field. Nothing is below 0: what was there before there was a count was never counted.
-- @keys pending
local function count_pending(base, scope, change)
  local key, account = pending_key(base), string.match(scope, '^[^:]*')
  if redis.call('HINCRBY', key, account, change) <= 0 then
    redis.call('HDEL', key, account)
  end
end
