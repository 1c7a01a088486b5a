--- nil where the pipeline is there and not deleted, else the refusal to return.
-- @keys pipeline
local function living_pipeline(base, scope)
  local found = redis.call('HMGET', pipeline_key(base, scope), 'name', 'deleted_ms')
  if not found[1] then
    return redis.error_reply('PIPELINE_NOT_FOUND ' .. scope)
  elseif found[2] then
    return redis.error_reply('PIPELINE_DELETED ' .. found[2])
  end
  return nil
end
