--- The pipeline whose turn it is in a worker group, or nil, and the deleted ones that stand before it (their cursor has
-- not passed yet). Looks at MOST_STEPPED_OVER at most: after more of them a claim finds nothing, the next one goes on.
-- @keys turns pipeline
local MOST_STEPPED_OVER = 200

local function first_turn(base, account, group)
  local turns, gone = turns_key(base, account, group), {}
  for place = 0, MOST_STEPPED_OVER - 1 do
    local pipeline = redis.call('ZRANGE', turns, place, place)[1]
    if not pipeline or not redis.call('HGET', pipeline_key(base, account .. ':' .. pipeline), 'deleted_ms') then
      return pipeline, gone
    end
    gone[#gone + 1] = pipeline
  end
  return nil, gone
end

local function step_over(base, account, group, gone)
  if #gone > 0 then
    redis.call('ZREM', turns_key(base, account, group), unpack(gone))
  end
end
