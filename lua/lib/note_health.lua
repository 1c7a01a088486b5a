--- A component is as healthy as its last instance that ended by itself or was canceled; a pipeline as its components: it
-- counts those that are ill. (One that failed only because another did says nothing.)
-- @keys health pipeline
local function note_health(base, scope, record, status, now)
  if status == 'CASCADE_FAILED' or status == 'SKIPPED' or record.incidental then
    return
  end
  local health, pipeline = health_key(base, scope), pipeline_key(base, scope)
  local before = redis.call('HGET', health, record.component)
  local was_ill, ill = before and not string.match(before, '^FINISHED '), status ~= 'FINISHED'
  redis.call('HSET', health, record.component, status .. ' ' .. string.format('%.0f', now) .. ' ' .. record.id)
  if (was_ill or false) ~= ill then
    redis.call('HINCRBY', pipeline, 'ill', ill and 1 or -1)
  end
  if ill or (redis.call('HGET', pipeline, 'ill') or '0') == '0' then
    redis.call('HSET', pipeline, 'health_ms', now, 'health_id', record.id)
  end
end
