"""What the record of an execution tells: everything known about it, where data went, why it failed."""
