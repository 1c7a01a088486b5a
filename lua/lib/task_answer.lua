--- What a claim answers: the task, its object, and what the attempt before reported.
-- @keys components progress
local function task_answer(base, scope, n, record, more, lag_ms, waited_ms)
  local object = redis.call(
    'HGET', components_key(base, scope, record.version), 'object:' .. record.component_index)
  local checkpoint = record.checkpoint
    and redis.call('HGETALL', progress_key(base, scope, n, record.checkpoint)) or {}
  return { string.match(scope, ':(.*)$'), n, record.attempt, record.claim, record.token, lag_ms, more, waited_ms,
    object, record.id, record.component, record.scheduled_ms, record.created_ms,
    record.progress_timeout_ms or '', record.version, record.scheduled_end_ms or record.scheduled_ms, unpack(checkpoint) }
end
