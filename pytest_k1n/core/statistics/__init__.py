"""Statistics of small samples, by hand: no scipy at run time."""
