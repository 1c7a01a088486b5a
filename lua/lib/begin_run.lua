--- Begin a run of an on-demand pipeline: from the next free second on, an instance of each component. Returns that second.
-- @include lib/create_instances lib/publish_wakes lib/civil lib/count_pending
-- @keys pipeline live
local function begin_run(base, scope, version, count, now)
  local pipeline, wakes = pipeline_key(base, scope), {}
  local found = redis.call('HMGET', pipeline, 'next_instance', 'last_start')
  local start = math.max(math.floor(now / 1000), tonumber(found[2] or 0) + 1)
  local run = {
    first = tonumber(found[1] or 1), next = 0, offset = 0, count = tonumber(count), version = version,
    start = civil(start), scheduled_ms = start * 1000,
  }
  redis.call('HSET', pipeline, 'next_instance', run.first + run.count, 'last_start', start, 'latest_run_ms', start * 1000)
  redis.call('HSET', live_key(base, scope, ''), run.first, run.count)
  count_pending(base, scope, run.count)
  create_instances(base, scope, run, now, wakes)
  publish_wakes(base, string.match(scope, '^[^:]*'), wakes)
  return start
end
