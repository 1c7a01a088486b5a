--- The record of a new instance, from the settings of its component and from its run.
-- @include lib/link_needs
-- @keys instance
--- What is kept of the settings of its component only where there is something to keep.
local function optional_fields(run, made, record)
  local checks = {}
  for i, check in ipairs(made.checks or {}) do
    checks[i] = string.format('%.0f', run.first + check - run.offset)
  end
  record.cascade = made.cascade and 1 or nil
  record.precondition = made.precondition and 1 or nil
  record.precondition_timeout_ms = made.precondition_timeout_ms
  record.progress_timeout_ms = made.progress_timeout_ms > 0 and made.progress_timeout_ms or nil
  record.checks = #checks > 0 and table.concat(checks, ' ') or nil
  record.actions = made.actions and 1 or nil
  record.schedule = run.schedule
  record.scheduled_end_ms = run.scheduled_end_ms
  record.live = not run.skipped and run.first or nil
end

--- The record of a new instance of a run, linked to what it needs; also whether something of that is not done yet, and
-- how much it is linked to.
local function new_record(base, scope, run, n, place, made, now)
  local needs, awaited, blocked = link_needs(base, scope, run, n, made, now)
  local record = {
    id = '@' .. made.id .. '_' .. run.start, component = made.component or made.id, component_index = place,
    version = run.version, group = made.group, scheduled_ms = run.scheduled_ms, attempt = 1, created_ms = now,
    needs = table.concat(needs, ' '), across = #awaited > 0 and cjson.encode(awaited) or nil,
    maximum_retries = made.maximum_retries, retry_delay_ms = made.retry_delay_ms,
    attempt_timeout_ms = made.attempt_timeout_ms,
  }
  optional_fields(run, made, record)
  local flat = {}
  for name, value in pairs(record) do
    flat[#flat + 1], flat[#flat + 2] = name, value
  end
  redis.call('HSET', instance_key(base, scope, n), unpack(flat))
  return record, blocked, #needs + #awaited
end
