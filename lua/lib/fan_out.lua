--- Tell the dependents of an instance, from number `from` on, what has become of it: FAN_OUT at a time, or as many as have
-- MOST_LOOKED_AT dependencies together, and a cursor in `timers` does the rest. Done, they have one less to wait for. Ended
-- otherwise, they fail with it if its failure cascades, and else are stuck behind it: their run does not wait for them any
-- more. Run again, they wait for it (again), and those that failed with it are run again too, though it may have finished
-- before they are told. Returns how many were told.
-- @include lib/read_hash lib/make_ready lib/end_instance lib/overtake_cancel lib/revive lib/is_done lib/end_checks
-- @include lib/count_off lib/clip lib/tell_dependents
-- @keys pipeline instance dependents unmet timers wake
local FAN_OUT, MOST_LOOKED_AT, MOST_CHAIN = 50, 10000, 1000
local LINKS_A_CHECK = 20 -- so much more is done for one

local function cascade_fail(base, scope, told, dependent, record, now)
  local chain = clip(told.id .. (told.chain and ' <- ' .. told.chain or ''), MOST_CHAIN)
  redis.call('DEL', unmet_key(base, scope, dependent))
  end_instance(base, scope, dependent, record, 'CASCADE_FAILED', now, 'cascade_failed_on', chain)
  return end_checks(base, scope, record, now) * LINKS_A_CHECK
end

--- Nothing but a rerun will help it, and what waits for it in its turn.
local function note_stuck(base, scope, dependent, record, now)
  redis.call('HSET', instance_key(base, scope, dependent), 'stuck', 1)
  if record.live then
    count_off(base, scope, dependent, record, now)
  end
  tell_dependents(base, scope, dependent, now)
end

local function tell_dependent(base, scope, n, told, dependent, now, wakes)
  local record, unmet = read_hash(instance_key(base, scope, dependent)), unmet_key(base, scope, dependent)
  overtake_cancel(base, scope, dependent, record, told.canceling, told.cancel_to, now)
  if record.state == 'blocked' and is_done(told.status) then
    redis.call('SREM', unmet, n, told.id)
    if redis.call('EXISTS', unmet) == 0 then
      make_ready(base, scope, dependent, record, now, wakes)
    end
  elseif record.state == 'blocked' and told.status and told.cascade then
    return cascade_fail(base, scope, told, dependent, record, now)
  elseif record.state == 'blocked' then
    redis.call('SADD', unmet, n)
    redis.call('SREM', unmet, told.id) -- what it waited for by its id is made by now
    if (told.status or told.stuck) and not record.stuck then
      note_stuck(base, scope, dependent, record, now)
    end
  elseif record.status == 'CASCADE_FAILED' and told.revives then
    return revive(base, scope, told, dependent, record, now, wakes)
  end
  return 0
end

--- What the dependents of an instance are told.
local function told_by(base, scope, n)
  local alive = redis.call('HMGET', pipeline_key(base, scope), 'canceling', 'cancel_to')
  local found = redis.call('HMGET', instance_key(base, scope, n), 'status', 'cascade', 'id', 'cascade_failed_on', 'revives',
    'stuck')
  return {
    status = found[1], cascade = found[2], id = found[3], chain = found[4], canceling = alive[1], cancel_to = alive[2],
    again = found[5], revives = found[5] and found[2] and (not found[1] or is_done(found[1])),
    stuck = not found[1] and found[6], schedules = {},
  }
end

local function fan_out(base, scope, n, from, now, wakes)
  local key, cursor = instance_key(base, scope, n), 'fanout:' .. scope .. ':' .. n
  local told = told_by(base, scope, n)
  local page = redis.call(
    'ZRANGEBYSCORE', dependents_key(base, scope, n), '(' .. from, '+inf', 'LIMIT', 0, FAN_OUT)
  local count, links = 0, 0
  while count < #page and links < MOST_LOOKED_AT do
    count = count + 1
    links = links + tell_dependent(base, scope, n, told, page[count], now, wakes)
  end
  if count == FAN_OUT or count < #page then
    redis.call('HSET', key, 'fan_from', page[count])
    redis.call('ZADD', timers_key(base), now - 1, cursor)
    redis.call('SPUBLISH', wake_key(base), '')
  else
    redis.call('ZREM', timers_key(base), cursor)
    if told.again then
      redis.call('HDEL', key, 'revives')
    end
  end
  return count
end
