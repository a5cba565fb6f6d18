"""Whether a record can be true, and whether it kept its definition's order."""
