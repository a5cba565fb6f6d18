"""What keeps executions going between evaluations: time, queues, deliveries, system tasks that take time."""
