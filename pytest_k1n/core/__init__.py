"""The pure heart: values and functions, standard library only; no I/O, no clock, no pytest."""
