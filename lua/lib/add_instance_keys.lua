--- Append every key that a state change of this instance may touch.
-- @keys instance lease attempt progress unmet dependents ready turns virtual timers counts
local function add_instance_keys(keys, base, scope, n, record)
  local account = string.match(scope, '^[^:]*')
  local group, attempt = record.group or '', record.attempt or '1'
  for _, key in ipairs({
    instance_key(base, scope, n),
    lease_key(base, scope, n),
    attempt_key(base, scope, n, attempt),
    progress_key(base, scope, n, attempt),
    unmet_key(base, scope, n),
    dependents_key(base, scope, n),
    ready_key(base, scope, group),
    turns_key(base, account, group),
    virtual_key(base, account),
    timers_key(base),
    counts_key(base),
  }) do
    keys[#keys + 1] = key
  end
end
