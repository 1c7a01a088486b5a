--- A lease is renewed, or ends: if it was stale (its field says so) it is so no more.
-- @keys instance counts
local function unmark_stale(base, scope, n, stale)
  if stale then
    redis.call('HINCRBY', counts_key(base), 'stale', -1)
    redis.call('HDEL', instance_key(base, scope, n), 'stale')
  end
end
