"""Coverage of definitions: what of each workflow definition some executions have exercised. Pure."""
