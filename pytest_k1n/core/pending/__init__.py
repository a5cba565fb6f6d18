"""What an execution that has not ended waits for, and what can still change in it."""
