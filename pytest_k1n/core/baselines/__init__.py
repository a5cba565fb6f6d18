"""Many executions of one workflow beside each other: profiles, series, and what has become slower."""
