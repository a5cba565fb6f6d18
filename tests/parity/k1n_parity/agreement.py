"""What a server does with a case, told from what a race inside it did once.

The real server's JOIN reads a failed attempt that `decide` is about to retry, and then fails the execution; two of its
threads may both schedule a successor. Such histories come up in a few of a hundred runs, more under load. So a history
counts only once two runs of the same case agree on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from k1n_parity.cases import Case, Document
from k1n_parity.driver import run
from k1n_parity.normalise import canonical
from k1n_parity.targets import Target


@dataclass(frozen=True, slots=True)
class Agreement:
    """`history` is None where no two of `runs` agreed; `others` are the histories seen once."""

    history: Document | None
    others: tuple[Document, ...]
    runs: int


def agreed(case: Case, target: Target, prefix: str, most: int = 6) -> Agreement:
    """Run a case until two histories agree, `most` times at most."""
    seen: list[Document] = []
    for index in range(most):
        history = canonical(run(case, target, f"{prefix}{index}x"))
        if history in seen:
            seen.remove(history)
            return Agreement(history, tuple(seen), index + 1)
        seen.append(history)
    return Agreement(None, tuple(seen), most)


def reaches(case: Case, target: Target, prefix: str, expected: Document, most: int = 4) -> Document | None:
    """Run a case until it shows the expected history; None if it did, else the first history it showed."""
    first: Document | None = None
    for index in range(most):
        history = canonical(run(case, target, f"{prefix}{index}y"))
        if history == expected:
            return None
        first = first or history
    return first
