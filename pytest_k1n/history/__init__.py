"""What is remembered between runs: executions in one SQLite file, some of them accepted as the baseline."""
