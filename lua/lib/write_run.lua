--- Keep a run for the cursor that goes on making its instances. (`cancel_to` and `restart_from` are the pipeline's, and read
-- anew at each step; `overlaps` are worked out at each.)
-- @keys run
local function write_run(base, scope, run)
  local flat = {}
  for name, value in pairs(run) do
    if name ~= 'cancel_to' and name ~= 'restart_from' and name ~= 'overlaps' then
      flat[#flat + 1], flat[#flat + 2] = name, value
    end
  end
  redis.call('HSET', run_key(base, scope, run.first), unpack(flat))
end
