"""The forms in which findings are written: a function each, from a report to a text."""
