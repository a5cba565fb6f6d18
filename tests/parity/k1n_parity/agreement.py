"""What a server does with a case, as it is recorded: what two runs of it agree on.

That keeps rare races of the server (`k1n_parity.sightings`) out of the recordings, not all of them: a common one shows
when the recording is compared, with the engine and with the server again.
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
