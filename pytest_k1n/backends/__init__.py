"""What the director drives: the embedded engine, or a real server with its workers; and which of them is asked for."""
