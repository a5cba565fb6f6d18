"""The engine on HTTP: requests, parked polls, and who may move the clock."""
