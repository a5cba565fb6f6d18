"""Faults that a worker commits on purpose, for negative controls: a suite must notice each of them.

`WORKFLOW/REF:KIND[=VALUE]`, with `*` for any workflow, and `REF#N` for the N-th attempt only (from 0):

    K1N_TEMPLATE_02/task_7:slow=1.3      30 % more work than the handler did
    K1N_TEMPLATE_01/task_1:fail=no disk  fails after its work; `terminal` so that no retry follows
    */task_9#0:hang                      never answers and stops its heartbeat
    K1N_22TASK_COMPLETE/task_4:twice     the handler is invoked twice for one task
    K1N_22TASK_COMPLETE/task_10:die      kills its worker with SIGKILL
    K1N_TEMPLATE_03/task_6:leak=K1N_TEMPLATE_02   writes data of the other workflow's last task into this output
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from pytest_k1n.core.model import Json
from pytest_k1n.workers.handler import Outcome, Status

Kind = Literal["slow", "fail", "terminal", "hang", "twice", "die", "leak"]

_SPEC = re.compile(
    r"(?P<workflow>[^/:\s]+)/(?P<ref>[^/:#\s]+)(?:#(?P<attempt>\d+))?:(?P<kind>[a-z]+)(?:=(?P<value>.*))?"
)
_NEEDS_VALUE = {"slow": "a factor above 0, as in slow=1.3", "leak": "the name of a workflow"}
_TAKES_VALUE = frozenset({"slow", "fail", "terminal", "leak"})


class BadFault(ValueError):
    """A fault that cannot be read; shows how to write it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault, and the task that commits it."""

    workflow: str
    ref: str
    kind: Kind
    value: str = ""
    attempt: int | None = None

    @property
    def factor(self) -> float:
        """By how much `slow` stretches the work."""
        return float(self.value)

    def concerns(self, workflow: str, ref: str, attempt: int) -> bool:
        return (
            self.workflow in ("*", workflow)
            and self.ref in ("*", ref)
            and (self.attempt is None or self.attempt == attempt)
        )

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read one fault. Raises BadFault."""
        match = _SPEC.fullmatch(text.strip())
        kinds: tuple[Kind, ...] = get_args(Kind)
        if not match:
            raise BadFault(f"{text!r} is no fault: write WORKFLOW/REF:KIND, as in K1N_TEMPLATE_02/task_7:slow=1.3")
        kind = next((known for known in kinds if known == match["kind"]), None)
        if kind is None:
            raise BadFault(f"{text!r}: {match['kind']} is no kind of fault: {', '.join(kinds)}")
        value = match["value"] or ""
        if not value and kind in _NEEDS_VALUE:
            raise BadFault(f"{text!r}: {kind} needs {_NEEDS_VALUE[kind]}")
        if value and kind not in _TAKES_VALUE:
            raise BadFault(f"{text!r}: {kind} takes no value")
        if kind == "slow" and not _is_factor(value):
            raise BadFault(f"{text!r}: slow needs {_NEEDS_VALUE['slow']}")
        attempt = int(match["attempt"]) if match["attempt"] else None
        return cls(workflow=match["workflow"], ref=match["ref"], kind=kind, value=value, attempt=attempt)


def fault_of(faults: Sequence[Fault], workflow: str, ref: str, attempt: int) -> Fault | None:
    """Return the first fault that concerns an attempt."""
    return next((fault for fault in faults if fault.concerns(workflow, ref, attempt)), None)


def spoiled(outcome: Outcome, fault: Fault, foreign: Mapping[str, Json]) -> Outcome:
    """Return what comes of work that fails or leaks on purpose; `foreign` is what the other workflow last put out.

    Anything else is returned as it is: a handler that is slow, hangs or dies does so on its own clock.
    """
    if fault.kind in ("fail", "terminal"):
        status: Status = "FAILED" if fault.kind == "fail" else "FAILED_WITH_TERMINAL_ERROR"
        return replace(outcome, status=status, reason=fault.value or f"made to {fault.kind} by --fault")
    if fault.kind == "leak":
        return replace(outcome, output={**outcome.output, **foreign})
    return outcome


def _is_factor(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text) is not None and float(text) > 0
