"""A case: definitions, what the workers will answer, and what a client does to the execution meanwhile.

Names of workflows and task definitions start with `PREFIX`; the driver puts a prefix of its own in its place, so that
many runs of one case live side by side on one server, and the normaliser puts `PREFIX` back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

PREFIX = "case_"
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a worker does with one delivery of a task.

    `kind`: `answer` (update with `status`), `callback` (hand back for `seconds`, the next delivery takes the next
    action), `hang` (polled, never answered; if no timeout ends it, answered with `status` afterwards), `ignore` (not
    polled; if no timeout ends it, polled and answered afterwards).
    """

    kind: str = "answer"
    status: str = "COMPLETED"
    output: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStep:
    """A client's operation on the root execution, once `after` worker steps were taken (-1: when nothing else is left).

    `operation` is one of `operations.OPERATIONS` or a method and a path; `ref` names the task that `{task}` stands for.
    """

    operation: str
    after: int = -1
    ref: str | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One differential case; `workflows[0]` is started."""

    name: str
    workflows: tuple[Document, ...]
    task_definitions: tuple[Document, ...] = ()
    input: Mapping[str, Any] = field(default_factory=dict)
    script: Mapping[str, tuple[Action, ...]] = field(default_factory=dict)
    steps: tuple[ClientStep, ...] = ()
    start: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def document(self) -> Document:
        """Return the case as JSON data: what is printed for a divergence, hashed and stored."""
        document: Document = json.loads(json.dumps(asdict(self)))
        document["script"] = {
            ref: [{key: value for key, value in action.items() if value} for action in actions]
            for ref, actions in document["script"].items()
        }
        return document

    def digest(self) -> str:
        """Identify the case's content, so that a recording made of another one is noticed."""
        text = json.dumps(self.document(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def case_from(document: Mapping[str, Any]) -> Case:
    """Read what `Case.document` returned."""
    fields = dict(document)
    fields["workflows"] = tuple(fields["workflows"])
    fields["task_definitions"] = tuple(fields["task_definitions"])
    fields["script"] = {ref: tuple(Action(**one) for one in actions) for ref, actions in fields["script"].items()}
    fields["steps"] = tuple(ClientStep(**step) for step in fields["steps"])
    return Case(**fields)
