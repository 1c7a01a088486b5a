"""``coordinator bench``: what a call costs, as ratios within one run."""
