"""Why something failed, without what Conductor wraps around it: ids, statuses, and each storey of sub-workflows."""

from __future__ import annotations

import re
from typing import Final

_WRAPPERS: Final = (
    re.compile(r"Task \S{1,80} failed with status: \w+ and reason: '(?P<inner>.*)'", re.DOTALL),
    re.compile(r"Sub workflow (?P<name>.{1,300}?)\.\d+/[^\s/]{1,80} failure reason: (?P<inner>.*)", re.DOTALL),
)
"""As 3.32.1 writes the reason of an execution, and of a SUB_WORKFLOW task."""
_LATE: Final = re.compile(
    r"responseTimeout: (?P<s>\d{1,12}) exceeded for the taskId: \S{1,80} with Task Definition: (?P<of>.+)"
)
_BREAK: Final = re.compile(r"\s*[\r\n]\s*")

_STOREYS: Final = 5
"""Sub-workflows in sub-workflows that are all named."""


def plain_reason(reason: str) -> str:
    """Unwrap a reason; one of another shape stays as it is, but for its line breaks.

    Of `Sub workflow pay.1/e07… failure reason: Task 95c… failed with status: FAILED and reason: 'no card'` this makes
    `pay: no card`.
    """
    names: list[str] = []
    while found := next((match for each in _WRAPPERS if (match := each.fullmatch(reason))), None):
        names += [found["name"]] if "name" in found.re.groupindex else []
        reason = found["inner"]
    if len(names) > _STOREYS:
        names = [*names[:2], f"... {len(names) - 3} more", names[-1]]
    if (late := _LATE.fullmatch(reason)) is not None:
        of = late["of"]
        reason = f"no word for longer than the responseTimeoutSeconds of its task definition {of}, {late['s']}"
    return ": ".join([*names, _BREAK.sub(" / ", reason.strip())])
