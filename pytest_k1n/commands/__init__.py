"""The `k1n` command's own subcommands: free of pytest, except where one starts it."""
