"""Documents and their renderers: what a run leaves behind for people and for CI."""
