"""Which task happens before which: the graph, and how it follows from a definition and what ran of it."""
