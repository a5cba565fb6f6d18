"""JOINs whose message a dead server has taken along: found by what they wait for, put back as an operator would.

Conductor 3.32.1 takes the message of a JOIN off its queue while it evaluates it, some hundred times a second where it
is tuned for latency. One killed at that moment leaves a JOIN that nothing looks at until a sweep or the 60-s job for
popped messages comes round; `PUT /workflow/decide/{id}` does not evaluate it. An update that says IN_PROGRESS pushes
the message anew, and once that is due the JOIN ends with the output of all its branches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from pytest_k1n.client.api import Conductor
from pytest_k1n.core.model import Execution, TaskRecord
from pytest_k1n.core.wire import wire

PATIENCE_S = 5.0
"""How long a JOIN may stay open that waits for nothing any more: evaluated as usual it takes some 15 ms."""

_DUE_S = 1
"""When its message is due: one that was due at once was evaluated before the update was saved, which then undid its
end, and the JOIN of a COMPLETED execution stayed IN_PROGRESS (its `updateTime` 27 ms before the execution's end)."""


class LostJoins:
    """Watches one run's executions for JOINs that nothing evaluates."""

    def __init__(self, client: Conductor, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._idle_since: dict[str, float] = {}
        self.put_back: set[str] = set()
        """Ids of the JOINs whose messages had to be pushed again."""

    def look(self, execution: Execution) -> None:
        """Put back what has waited for nothing too long. Raises ConductorError."""
        for record in idle_joins(execution):
            since = self._idle_since.setdefault(record.task_id, self._clock())
            if self._clock() - since >= PATIENCE_S:
                self._client.update(
                    {
                        "workflowInstanceId": execution.workflow_id,
                        "taskId": record.task_id,
                        "status": "IN_PROGRESS",
                        "callbackAfterSeconds": _DUE_S,
                    }
                )
                self.put_back.add(record.task_id)
                self._idle_since[record.task_id] = self._clock()


def idle_joins(execution: Execution) -> Iterator[TaskRecord]:
    """Yield the open JOINs of a running execution of which everything that they join has ended."""
    if execution.is_terminal:
        return
    ended = {key for key, record in execution.finals.items() if record.status.is_terminal}
    for record in execution.finals.values():
        joined = record.input.get("joinOn")
        if record.type != "JOIN" or record.status.is_terminal or not isinstance(joined, list):
            continue
        if joined and all({(str(ref), 0), wire.split_iteration(str(ref))} & ended for ref in joined):
            yield record
