"""Judge workflow and task definitions offline: one table of checks for `k1n lint`, `k1n validate` and runs."""
