--- Tell the replicas for which worker groups there is work, and how much (a hint: it may be lost).
-- @keys wake
local function publish_wakes(base, account, wakes)
  for group, count in pairs(wakes) do
    redis.call('SPUBLISH', wake_key(base), account .. '\n' .. count .. '\n' .. group)
  end
end
