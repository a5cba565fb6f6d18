"""How long an execution has to take: critical paths, plans by estimates, other durations and workers."""
