"""People who answer what executions on a server ask: through its API, after the time that was said."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import Conflict, NotFound
from pytest_k1n.coordination.backend import TimeScale
from pytest_k1n.core.model import Execution
from pytest_k1n.core.standins.answers import Answers, asked


class People:
    """Answers HUMAN and WAIT tasks as a person would; looks when told to."""

    def __init__(
        self, client: Conductor, answers: Answers, scale: TimeScale, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._answers = answers
        self._scale = scale
        self._clock = clock
        self._asked_s: dict[str, float] = {}
        self._is_changed = False
        self.waited_ms: dict[str, int] = {}
        """Task id -> how long it was let wait on purpose, in raw time: what the speed has shortened."""

    def has_answered(self) -> bool:
        """Tell whether the last look has led to an answer: then the world is another one."""
        return self._is_changed

    def attend(self, executions: Iterable[Execution]) -> int | None:
        """Answer what is due; return the server's instant of the next answer where its time is virtual."""
        self._is_changed = False
        open_ = asked(executions, self._answers) if self._answers else []
        if not open_:
            return None
        is_virtual = self._scale.name == "virtual"
        now_ms = int(str(self._client.clock()["now"])) if is_virtual else 0
        dues = []
        for execution, task, answer in open_:
            if task.task_id in self.waited_ms:
                continue
            wait_s = answer.after_ms / 1000 / self._scale.speed
            since_s = self._asked_s.setdefault(task.task_id, self._clock())
            due_ms = (task.scheduled_ms or 0) + answer.after_ms
            if now_ms < due_ms if is_virtual else self._clock() - since_s < wait_s:
                dues.append(due_ms)
                continue
            self._is_changed = True
            self.waited_ms[task.task_id] = round(answer.after_ms / self._scale.speed)
            result = {
                "workflowInstanceId": execution.workflow_id,
                "taskId": task.task_id,
                "status": answer.status,
                "outputData": dict(answer.output),
            }
            with suppress(NotFound, Conflict):  # another caller was quicker, or its time was up
                self._client.update(result)
        return min(dues, default=None) if is_virtual else None
