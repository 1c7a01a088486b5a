"""Running due work in time.

Safety does not depend on anything here: `run_due` is one idempotent script, and whoever calls it
first takes the batch. Liveness does: each replica's `DueLoop` calls it for every shard when
something falls due, and never later than 200 ms after, whatever was lost. The `Listener` only makes
it sooner, and so do the polls, which apply a few due timers before they claim.
"""
