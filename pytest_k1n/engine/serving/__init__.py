"""The engine on HTTP: requests, parked polls, and what may move the clock."""
