--- Take what is due in a shard (score < now) and apply it, a bounded batch at a time: lease and acknowledgement
-- deadlines, attempt timeouts, retry delays, and the cursors of long fan-outs. Any replica may call it at any time.
-- FLAGS allow-oom
-- KEYS
--   1 shard_key       HASH    the shard's clock
-- ARGV
--   1 base            string  start of the shard's keys
--   2 limit           int     most timers to apply
--   3 threshold_ms    int     time without a run that counts as an outage
--   4 grace_ms        int     time to report after an outage
--   5 max_lost        int     leases lost, or given up, in a row before FAILED
--   6 tombstone_ms    int     how long a deleted pipeline is remembered
--   7 alarms          int     most alarms that the caller can deliver now; -1: it never does
--   8 max_pending     int     most instances of an account that have not ended; 0: any number
-- RETURNS
--   next due ms (-1: nothing), now ms, ms by which the server's clock was found to have stepped back, gap ms (0: none),
--   then counts: timers applied, leases lost unacknowledged, lost silent, graced, attempts timed out, instances failed,
--   cursor steps, timers that failed, then 1 if more is due now, the error of a timer that failed (or empty), and the
--   alarms that the caller is to deliver: scope, number, …; then by how many ms each run of a schedule was late
-- @include lib/shard_clock lib/note_run lib/publish_wakes lib/apply_timer lib/apply_cursor lib/put_off
-- @include lib/offer_alarm
-- @keys timers
local MOST_CURSOR_WORK = 50
local timers, now, clock = timers_key(base), shard_clock(base)
local due = redis.call('ZRANGEBYSCORE', timers, '-inf', '(' .. string.format('%.0f', now), 'LIMIT', 0, limit)
local stepped_ms, gap_ms, gap_end = note_run(base, threshold_ms)
local limits = { clock = clock, gap_end = gap_end, grace_ms = grace_ms, max_lost = max_lost, tombstone_ms = tombstone_ms,
  alarms = alarms, offered = {}, max_pending = max_pending }
local late = {}
local done = { other = 0, ack = 0, progress = 0, graced = 0, timeout = 0, failed = 0, cursor = 0, broken = 0 }
local wakes, postponed, work, trouble = {}, {}, 0, '' -- wakes by account
for _, timer in ipairs(due) do
  local kind, scope, id = string.match(timer, '^(%a+):([^:]*:[^:]*):(.*)$')
  local plan = { kind = kind, scope = scope, id = id, timer = timer }
  local account = string.match(scope or '', '^[^:]*')
  wakes[account] = wakes[account] or {}
  if not kind then
    done.broken, trouble = done.broken + 1, put_off(base, timer, now, 'no timer of ours')
  elseif not cursor_kinds[kind] then
    local sound, what, ended = pcall(kind == 'alarm' and offer_alarm or apply_timer, base, plan, now, limits, wakes[account])
    if not sound then
      what, trouble = 'broken', put_off(base, timer, now, what)
    end
    done[what] = done[what] + 1
    if ended then
      done.failed = done.failed + 1
    end
  elseif work < MOST_CURSOR_WORK then
    local sound, count, late_ms = pcall(apply_cursor, base, plan, now, limits, wakes[account])
    if sound then
      work = work + count
      done.cursor = done.cursor + 1
      late[#late + 1] = late_ms
    else
      done.broken, trouble = done.broken + 1, put_off(base, timer, now, count)
    end
  else -- behind what is due now, so that no lease waits for it, and before the cursors that had their step
    postponed[#postponed + 1] = now - 2
    postponed[#postponed + 1] = timer
  end
end
if #postponed > 0 then -- XX: a step of this very run may have removed one, with what it was about
  redis.call('ZADD', timers, 'XX', unpack(postponed))
end
for account, groups in pairs(wakes) do
  publish_wakes(base, account, groups)
end
local first = redis.call('ZRANGE', timers, 0, 0, 'WITHSCORES')
local next_due = first[2] and tonumber(first[2]) or -1
return { next_due, now, stepped_ms, gap_ms, #due - #postponed / 2 - done.broken, done.ack, done.progress, done.graced,
  done.timeout, done.failed, done.cursor, done.broken, next_due >= 0 and next_due < now and 1 or 0, trouble, limits.offered, late }
