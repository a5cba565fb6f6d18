"""Task domains: which queue a worker's task goes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

ACTIVE_MS: Final = 10_000
"""How recent a domain's last poll must be for the domain to be taken (activeWorkerLastPollTimeout)."""
NO_DOMAIN: Final = "NO_DOMAIN"

Polled = Callable[[str, str], int | None]
"""(task type, domain) -> when that queue was last polled."""


def domain_of(type_: str, domains: Mapping[str, str], polled: Polled, now_ms: int) -> str | None:
    """Choose the domain of a task: its type's own list, else that of `*`.

    Of a list with commas the first one that a worker polls, else the last one; NO_DOMAIN stands for none. An empty
    name is a domain, too.
    """
    own = domains.get(type_)
    given = own if own is not None else domains.get("*", "")
    if own is None and not given.strip():
        return None
    split = given.rstrip(",")  # as Java does it: nothing empty at the end, and nothing of commas alone
    if given and not split:
        return None
    names = [name.strip() for name in split.split(",")]
    for name in names:
        last_ms = polled(type_, name) if name.upper() != NO_DOMAIN else None
        if last_ms is not None and now_ms - last_ms < ACTIVE_MS:
            return name
    return None if names[-1].upper() == NO_DOMAIN else names[-1]
