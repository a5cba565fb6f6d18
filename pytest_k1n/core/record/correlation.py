"""Correlation ids of the executions that a run starts: they show which run it was, and which of its executions.

Every task carries its execution's, sub-workflows inherit it: a worker that sees nothing but a polled task knows whose
it is. What follows the run's part is the same in every run of the same tests, whatever the nodes, threads and ids.
"""

from __future__ import annotations

import hashlib

_OURS = "k1n-"


def batch_correlation_id(uid: str, workflow: str, *, batch: int, round_: int, key: str) -> str:
    """Name one execution of a launch; `round_` counts them."""
    return f"{_OURS}{uid}/{workflow}/{batch}.{round_}.{_digest(key)}"


def user_correlation_id(start: str, *, test: str, nth: int) -> str:
    """Name the nth execution that a test starts itself; `start` is of this start only, and begins with the run's id."""
    return f"{_OURS}{start}/{_digest(test)}.{nth}"


def correlations_of(uid: str) -> str:
    """Return what a search finds the executions of a run by: all begin with this, and `*` stands for the rest."""
    return f"{_OURS}{uid}*"


def is_of_a_run(correlation_id: str | None) -> bool:
    """Whether a run of pytest-k1n started it."""
    return correlation_id is not None and correlation_id.startswith(_OURS)


def is_of_a_test(correlation_id: str | None) -> bool:
    """Whether a test started it itself, rather than a batch of the plan."""
    return is_of_a_run(correlation_id) and str(correlation_id).count("/") == 1


def execution_key(correlation_id: str | None) -> str:
    """Return what tells an execution from the others of its run, in every run alike: ours without the run's part.

    Somebody else's correlation id counts as a whole; executions without one share the empty key.
    """
    if correlation_id is None or not is_of_a_run(correlation_id):
        return correlation_id or ""
    return correlation_id.partition("/")[2]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:6]
