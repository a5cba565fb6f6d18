"""True executions, changed in every field: whatever changes the meaning must change the verdict.

`python -m k1n_support.mutations` (make mutations) changes all of them; `harmless.toml` says what may go unnoticed, and
why.
"""
