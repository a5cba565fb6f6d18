"""The task worker: directed polling, handlers of all kinds, heartbeats, results that are never lost."""
