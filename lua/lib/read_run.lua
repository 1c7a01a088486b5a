--- What is kept of a run while its instances are being made: numbers as numbers.
-- @include lib/read_hash
-- @keys run
local RUN_NUMBERS = { 'first', 'next', 'offset', 'count', 'scheduled_ms', 'scheduled_end_ms' }

local function read_run(base, scope, first)
  local run = read_hash(run_key(base, scope, first))
  for _, field in ipairs(RUN_NUMBERS) do
    run[field] = tonumber(run[field])
  end
  return run
end
