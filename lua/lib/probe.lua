--- Touch keys before the first write: while a Cluster moves this slot, a key that has left (or was never there)
-- fails the script here, whole, and not between two writes.
local function probe(keys)
  for first = 1, #keys, 1000 do
    redis.call('EXISTS', unpack(keys, first, math.min(first + 999, #keys)))
  end
end
