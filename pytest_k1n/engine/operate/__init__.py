"""Operations on executions: pause, retry, rerun, restart, skip, terminate."""
