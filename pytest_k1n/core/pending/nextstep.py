"""Something that has to happen before an execution can go on: whose turn it is, since when, and what to type."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import quote, urlencode

from pytest_k1n.core.model import TaskRecord
from pytest_k1n.core.units import SECOND_MS

ENGINE_GRACE_MS = 180_000
"""How long the engine may owe a step before that is a stall: a sweep that comes as late as it can, and a minute."""
SERVER = "$K1N_SERVER"
"""What stands for a server's address in what there is to type."""


class Owner(StrEnum):
    """Whose turn it is."""

    WORKER = "worker"
    SIGNAL = "signal"
    TIME = "time"
    CHILD = "sub-workflow"
    BRANCHES = "branches"
    RESUME = "resume"
    ENGINE = "engine"
    NOBODY = "nobody"
    """What is waited for never comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """Something that has to happen before an execution can go on."""

    subject: str
    """The task, as the server names it, or the workflow."""
    owner: Owner
    expected: str
    observed: str
    since_ms: int | None = None
    """Epoch ms, by the server's clock; None where no stamp tells."""
    slack_ms: int = 0
    """How much longer than usual a healthy engine may owe this."""
    record: TaskRecord | None = None
    """Of the task, if it is on record."""
    was_taken: bool = False
    """Whether the server has taken it once: it does not again, asked to decide or not (measured on 3.32.1)."""

    def is_overdue(self, now_ms: int) -> bool:
        """Whether the engine has owed this for longer than a healthy one can."""
        if self.owner is not Owner.ENGINE or self.since_ms is None:
            return False
        return now_ms - self.since_ms > ENGINE_GRACE_MS + self.slack_ms


def to_type(step: NextStep, workflow_id: str) -> str:
    """Return the command that brings a step about, or shows who does not take it; empty if only time will."""
    record = step.record
    if step.owner is Owner.ENGINE and not step.was_taken:
        return f"curl -X PUT {_address('workflow', 'decide', workflow_id)}"
    if step.owner in (Owner.ENGINE, Owner.NOBODY):
        return f"curl -X DELETE {_address('workflow', workflow_id)}"
    if step.owner is Owner.RESUME:
        return f"curl -X PUT {_address('workflow', workflow_id, 'resume')}"
    if record is None:
        return ""
    if step.owner is Owner.SIGNAL:
        to_end = _address("tasks", workflow_id, step.subject, "COMPLETED")
        return f"curl -X POST {to_end} -H 'Content-Type: application/json' -d '{{}}'"
    if step.owner is Owner.CHILD:
        return f'k1n check {shlex.quote(record.sub_workflow_id or "")} --server "{SERVER}"'
    if step.owner is Owner.WORKER and record.started_ms is not None:
        return f"curl {_address('tasks', record.task_id, 'log')}"
    if step.owner is Owner.WORKER:
        return f"curl {_address('tasks', 'queue', 'polldata', taskType=record.type)}"
    return ""


def _address(*path: str, **query: str) -> str:
    """Return an address of the server's API in double quotes: nothing in it means anything to a shell."""
    asked = f"?{urlencode(query)}" if query else ""
    return f'"{SERVER}/api/{"/".join(quote(part, safe="") for part in path)}{asked}"'


def clock_time(epoch_ms: int | None) -> str:
    """Show the time of day of an instant, UTC: `14:02:11`."""
    if epoch_ms is None:
        return "at an unknown time"
    return datetime.fromtimestamp(epoch_ms / SECOND_MS, UTC).strftime("%H:%M:%S")
