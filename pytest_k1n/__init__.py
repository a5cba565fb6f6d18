"""pytest-k1n: acceptance tests for workflows on Conductor."""
