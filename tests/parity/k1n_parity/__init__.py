"""Differential tests: the same cases on two Conductor servers, their histories compared after normalisation.

`grammar` and `catalogue` make cases, `driver` runs one on a `Target`, `normalise` makes the history comparable,
`compare` names what differs, `known` says which of it is explained, `shrink` makes a diverging case small,
`corpus` keeps what the real server answered. Nothing here knows the embedded engine but `targets`.
"""
