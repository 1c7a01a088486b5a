--- Record the result that the holder reports: FINISHED, or FAILED with a retry while there are any left.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key      HASH    the shard's clock
-- ARGV
--   1 base           string  start of the shard's keys
--   2 scope          string  account and pipeline
--   3 n              string  instance number
--   4 attempt        string  attempt number of the handle
--   5 claim          string  claim id of the handle
--   6 status         string  FINISHED, FAILED or FALSE
--   7 error_id       string  may be empty, as the next two
--   8 error_message  string
--   9 stack_trace    string
--   10 final         int     1: a failure that no retry would mend
--   11 max_lost      int     0: an ordinary failure; else the runner was stopped, which uses up no try: lost leases in a row
--                            before FAILED
--   12 pace_ms       int     then the least time from hand-out to next hand-out, doubled with each in a row
--   13 globs         string  worker groups that the caller may work for, a line each; empty: all
-- RETURNS
--   finished | failed (for good) | retried | unsatisfied (a precondition, FALSE) | repeat | canceled
-- ERRORS
--   PIPELINE_NOT_FOUND   nothing is known of the pipeline
--   PIPELINE_DELETED     the pipeline is deleted
--   FOREIGN_GROUP        the task is of a worker group that the caller may not work for
--   TASK_NOT_FOUND       this claim was never made
--   LEASE_LOST           <lost at ms> free, or <lost at ms> held <hostname, may be empty>: the lease was taken away
--   STATUS_ALREADY_SET   <status>: another status was recorded for this attempt
--   NOT_A_PRECONDITION   FALSE for an activity
-- @include lib/now_ms lib/read_hash lib/past_claim lib/fail_attempt lib/close_attempt lib/end_instance
-- @include lib/fan_out lib/publish_wakes lib/offer_after_loss lib/overtake_cancel lib/answer_false lib/foreign_group
-- @keys pipeline instance
local alive = redis.call('HMGET', pipeline_key(base, scope), 'name', 'deleted_ms', 'canceling', 'cancel_to')
if not alive[1] then
  return redis.error_reply('PIPELINE_NOT_FOUND ' .. scope)
end
local record, now = read_hash(instance_key(base, scope, n)), now_ms(base)
if foreign_group(globs, record.group) then
  return redis.error_reply('FOREIGN_GROUP not permitted')
elseif alive[2] then
  return redis.error_reply('PIPELINE_DELETED ' .. alive[2])
end
local held = record.state == 'leased' and record.claim == claim and record.attempt == attempt
if not held or overtake_cancel(base, scope, n, record, alive[3], alive[4], now) then
  local cause, recorded, ended_ms = past_claim(base, scope, n, attempt, claim)
  if not cause then
    return redis.error_reply('TASK_NOT_FOUND never handed out')
  elseif cause == 'canceled' then
    return 'canceled'
  elseif cause ~= 'reported' then
    local now_held = record.claim and ' held ' .. record.hostname or ' free'
    return redis.error_reply('LEASE_LOST ' .. ended_ms .. now_held)
  elseif recorded ~= status then
    return redis.error_reply('STATUS_ALREADY_SET ' .. recorded)
  end
  return 'repeat'
end
if status == 'FALSE' and not record.precondition then
  return redis.error_reply('NOT_A_PRECONDITION ' .. record.component)
end

local wakes = {}
record.acked_ms = record.acked_ms or now -- a result acknowledges too
if status == 'FALSE' then
  answer_false(base, scope, n, record, error_message, now)
  return 'unsatisfied'
end
if status == 'FAILED' then
  local failed
  local errors = { 'error_id', error_id, 'error_message', error_message, 'stack_trace', stack_trace }
  if max_lost > 0 then
    close_attempt(base, scope, n, record, status, 'reported', now, unpack(errors))
    failed = offer_after_loss(base, scope, n, record, now, max_lost, pace_ms, wakes)
  else
    record.maximum_retries = final == 1 and -1 or record.maximum_retries
    failed = fail_attempt(base, scope, n, record, 'reported', now, wakes, unpack(errors)) == 'terminal'
  end
  publish_wakes(base, string.match(scope, '^[^:]*'), wakes)
  return failed and 'failed' or 'retried'
end
close_attempt(base, scope, n, record, status, 'reported', now)
end_instance(base, scope, n, record, status, now)
fan_out(base, scope, n, 0, now, wakes)
publish_wakes(base, string.match(scope, '^[^:]*'), wakes)
return 'finished'
