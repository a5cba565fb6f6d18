"""What a worker does with tasks: poll, update, log."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import cast
from urllib.parse import urlencode

from pytest_k1n.client.calls import Calls, JsonObject, segment
from pytest_k1n.client.errors import NotFound, error_for
from pytest_k1n.core.http import HttpRequest
from pytest_k1n.core.model import Json


class Tasks(Calls):
    """Calls about tasks. Updates are idempotent by task id, so they are repeated."""

    def poll(self, task_type: str, *, worker_id: str, domain: str | None = None) -> JsonObject | None:
        """Take one task of a type if one is ready now; never waits on the server."""
        tasks = self.poll_batch(task_type, worker_id=worker_id, domain=domain)
        return tasks[0] if tasks else None

    def poll_batch(
        self, task_type: str, *, worker_id: str, count: int = 1, timeout_ms: int = 0, domain: str | None = None
    ) -> list[JsonObject]:
        """Take up to `count` tasks of a type. Not repeated: the next round is the retry.

        `timeout_ms` 0 is one try; more than available makes 3.32.1 wait the whole time with tasks in hand (issue 142).
        """
        path = _poll_path(task_type, worker_id, count, timeout_ms, domain)
        answer = self._transport.send(HttpRequest("GET", path, timeout_s=timeout_ms / 1000 + 10))
        if answer.body == b"[]" and answer.status == 200:
            return []
        if answer.status >= 300:
            raise error_for(answer.status, answer.body, method="GET", path=path, url=self.url)
        return self._objects(self._json(list, "GET", path, answer), "GET", path, answer)

    def update(self, result: Mapping[str, object]) -> bool:
        """Report a TaskResult. A 200 does not say that it counted: an ended task or execution ignores it.

        False: the embedded engine has it and its declared end is yet to come; reporting it again waits for that.
        Raises NotFound when the task is gone with its execution.
        """
        return self._call("POST", "/api/tasks", body=result, repeatable=True).status != 202

    def update_by_ref(
        self, workflow_id: str, ref: str, status: str, output: Mapping[str, object] | None = None
    ) -> str | None:
        """Update the first open task of a ref; returns its id, or None if nothing was pending."""
        path = f"/api/tasks/{segment(workflow_id)}/{segment(ref)}/{segment(status)}"
        return self._text_of("POST", path, self._call("POST", path, body=dict(output or {}))) or None

    def answer(
        self, workflow_id: str, ref: str, task_id: str, status: str, output: Mapping[str, object], reason: str | None
    ) -> None:
        """End a WAIT or HUMAN: by its ref, or, as that way takes no reason, by a result where there is one.

        By a result, too, on a server that has no update by ref, such as 3.15.0.
        """
        result = {"workflowInstanceId": workflow_id, "taskId": task_id, "status": status, "outputData": dict(output)}
        if reason is not None:
            self.update({**result, "reasonForIncompletion": reason})
            return
        try:
            self.update_by_ref(workflow_id, ref, status, output)
        except NotFound:
            self.update(result)

    def task(self, task_id: str) -> JsonObject:
        """Return one task. Raises NotFound."""
        return self._get_object(f"/api/tasks/{segment(task_id)}")

    def log(self, task_id: str, text: str) -> None:
        """Add a line to a task's log."""
        path = f"/api/tasks/{segment(task_id)}/log"
        answer = self._transport.send(
            HttpRequest("POST", path, body=text.encode(), headers={"Content-Type": "text/plain"})
        )
        if answer.status >= 300:
            raise error_for(answer.status, answer.body, method="POST", path=path, url=self.url)

    def logs(self, task_id: str) -> list[JsonObject]:
        """Return a task's log lines, oldest first; the server keeps the last few (taskExecLogSizeLimit, 10)."""
        path = f"/api/tasks/{segment(task_id)}/log"
        try:
            answer = self._call("GET", path)
        except NotFound:
            return []
        if answer.status == 204 or not answer.body:
            return []
        lines = self._objects(self._json(list, "GET", path, answer), "GET", path, answer, needs={"createdTime": int})
        return sorted(lines, key=lambda line: cast("int", line["createdTime"]))

    def signal(self, workflow_id: str, status: str = "COMPLETED", output: Mapping[str, Json] | None = None) -> None:
        """Complete the first open WAIT of an execution, sub-workflows included; none open is no error."""
        path = f"/api/tasks/{segment(workflow_id)}/{segment(status)}/signal"
        self._call("POST", path, body=dict(output or {}))


@lru_cache(maxsize=1024)
def _poll_path(task_type: str, worker_id: str, count: int, timeout_ms: int, domain: str | None) -> str:
    """Quote once: a worker polls the same few queues thousands of times."""
    query: dict[str, object] = {"workerid": worker_id, "count": count, "timeout": timeout_ms}
    if domain:
        query["domain"] = domain
    return f"/api/tasks/poll/batch/{segment(task_type)}?{urlencode(query)}"
