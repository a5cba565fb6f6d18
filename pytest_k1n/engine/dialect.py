"""Which release of Conductor an engine behaves as, where releases differ: a value that it is given when it is made.

Only what is cheap to express is here; the rest of what an older release does otherwise is in
`fixtures/conformance/known_differences.toml`, where `modelled` marks what this module does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one release does."""

    conductor: str
    shows_metadata: bool = True
    """Whether executions show `history` and `rateLimited`, tasks `executionMetadata`."""
    unknown_limits: tuple[str, ...] = ()
    """Fields of task definitions that it does not know: they have no effect."""
    takes_empty_case: bool = True
    """Whether a SWITCH takes a case that is there and empty, and not the default case in its place."""
    ends_terminated: bool = True
    """Whether TERMINATE can end an execution as TERMINATED."""
    has_child_options: bool = True
    """Whether a SUB_WORKFLOW can hand its child a priority and a key that makes it the only one."""
    says_what_is_missing: bool = True
    """Whether a task that is not there is refused, and a log without lines no list."""
    saves_skipped: bool = False
    """Whether its database takes the record of a task that was skipped by request, which every retry saves anew."""
    keeps_first_reason: bool = True
    """Whether what was terminated and is terminated again keeps the reason it had."""


CURRENT: Final = Dialect(conductor="3.32.1")
_OLDER: Final = Dialect(
    conductor="3.15.0",
    shows_metadata=False,
    unknown_limits=("totalTimeoutSeconds", "maxRetryDelaySeconds", "backoffJitterMs"),
    takes_empty_case=False,
    ends_terminated=False,
    has_child_options=False,
    says_what_is_missing=False,
    saves_skipped=True,
    keeps_first_reason=False,
)
DIALECTS: Final = {each.conductor: each for each in (CURRENT, _OLDER)}


def dialect_of(version: str) -> Dialect:
    """Return what an engine of a version does. Raises ValueError that says which there are."""
    found = DIALECTS.get(version)
    if found is None:
        raise ValueError(f"the embedded engine does not behave as {version[:60]!r}: it does as {' or '.join(DIALECTS)}")
    return found
