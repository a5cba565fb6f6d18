"""What executions and the ends of tasks do to each other: orders, faults between them, foreign data."""
