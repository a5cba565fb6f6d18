"""Conformance: recorded cases put to a server of any version, and what it does otherwise.

A case is data: definitions, what workers answer, what a client calls meanwhile, and the history that Conductor shows.
`driver` runs one on a `target`, `normalise` makes its history comparable, `compare` names what differs, `known` says
what of that is explained, `sightings` tells a race from a difference by asking again, `corpus` keeps the cases,
`runner` puts all of them to a `subject`, `verdict` is what is said of it.
"""
