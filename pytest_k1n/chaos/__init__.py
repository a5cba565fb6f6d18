"""Faults on purpose: which there are, where they strike, and whether an execution has come through them unharmed."""
