"""What a server does with a case, as it is recorded: what two runs of it agree on.

That keeps rare races of the server (`k1n_parity.sightings`) out of the recordings, not all of them: a common one shows
when the recording is compared, with the engine and with the server again.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_k1n.conformance.cases import Case, Document
from pytest_k1n.conformance.driver import run
from pytest_k1n.conformance.normalise import canonical
from pytest_k1n.conformance.target import CaseTarget


@dataclass(frozen=True, slots=True)
class Agreement:
    """`history` is None where no two of `runs` agreed; `others` are the histories seen once."""

    history: Document | None
    others: tuple[Document, ...]
    runs: int


def agreed(case: Case, target: CaseTarget, prefix: str, most: int = 6, expected: Document | None = None) -> Agreement:
    """Run a case until two histories agree, or one with what is expected; `most` times at most.

    With an expected history two others that agree are not the last word while there are runs left: a race shows either.
    """
    seen: list[Document] = []
    settled: Document | None = None
    for index in range(most):
        history = canonical(run(case, target, f"{prefix}{index}x"))
        if history == expected:
            return Agreement(history, tuple(seen), index + 1)
        if history in seen:
            settled = settled or history
            if expected is None:
                break
        seen.append(history)
    return Agreement(settled, tuple(one for one in seen if one != settled), len(seen))
