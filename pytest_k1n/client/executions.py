"""Starting, reading and steering executions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from pytest_k1n.client.calls import Calls, JsonObject, segment
from pytest_k1n.client.errors import ConductorError, ServerFailure, ServerUnreachable, StartedTwice
from pytest_k1n.client.retry import Backoff
from pytest_k1n.core.model import Json

_IDENTIFIED: Mapping[str, type] = {"workflowId": str}


class Executions(Calls):
    """Calls about executions. A start is never repeated by itself: Conductor deduplicates nothing."""

    def start(
        self,
        name: str,
        *,
        version: int | None = None,
        input: Mapping[str, object] | None = None,
        correlation_id: str | None = None,
        task_to_domain: Mapping[str, str] | None = None,
        definition: Mapping[str, object] | None = None,
        priority: int = 0,
    ) -> str:
        """Start an execution and return its id; with `definition`, of that one, registered or not.

        Raises NotFound for an unknown definition, and ServerUnreachable, whose `indeterminate` says that an execution
        may have come into being all the same.
        """
        request = {
            "name": name,
            "version": version,
            "input": dict(input or {}),
            "correlationId": correlation_id,
            "taskToDomain": dict(task_to_domain) if task_to_domain else None,
            "workflowDef": definition,
            "priority": priority,
        }
        body = {key: value for key, value in request.items() if value is not None}
        return self._text_of("POST", "/api/workflow", self._call("POST", "/api/workflow", body=body))

    def start_once(
        self,
        name: str,
        *,
        correlation_id: str,
        version: int | None = None,
        input: Mapping[str, object] | None = None,
        task_to_domain: Mapping[str, str] | None = None,
        definition: Mapping[str, object] | None = None,
        priority: int = 0,
        within_s: float = 20.0,
        settle_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> str:
        """Start an execution exactly once, whatever the network does; `correlation_id` must be of this start only.

        After a start whose fate is unknown it looks for the correlation id, for `settle_s` because the request may
        still be under way, and starts again only when the server has answered that there is none. Raises the last
        error after `within_s`, and StartedTwice.
        """
        deadline = clock() + within_s
        pauses = Backoff(first_s=0.1).pauses()
        while True:
            try:
                return self.start(
                    name,
                    version=version,
                    input=input,
                    correlation_id=correlation_id,
                    task_to_domain=task_to_domain,
                    definition=definition,
                    priority=priority,
                )
            except (ServerUnreachable, ServerFailure) as error:
                if isinstance(error, ServerFailure) and not error.is_retryable:
                    raise
                if isinstance(error, ServerFailure) or error.indeterminate:
                    settled = clock() + settle_s
                    while (found := self._find(name, correlation_id)) is None or (not found and clock() < settled):
                        if clock() >= deadline:
                            raise
                        sleep(next(pauses))
                    if found:
                        return found
                if clock() >= deadline:
                    raise
            sleep(next(pauses))

    def _find(self, name: str, correlation_id: str) -> str | None:
        """Return the one execution of a correlation id, "" if there is none, None if the server does not say."""
        try:
            ids = self.correlated(name, correlation_id)
        except (ServerUnreachable, ServerFailure):
            return None
        if len(ids) > 1:
            message = f"{len(ids)} executions of {name} carry the correlation id {correlation_id}: {', '.join(ids)}"
            raise StartedTwice(message, url=self.url)
        return ids[0] if ids else ""

    def execution(self, workflow_id: str, *, tasks: bool = True) -> JsonObject:
        """Return an execution as the server sends it; `core.wire.wire.execution` reads it. Raises NotFound."""
        return self._get_object(f"/api/workflow/{segment(workflow_id)}", includeTasks=tasks)

    def status(self, workflow_id: str) -> str:
        """Return the status of an execution, without its tasks."""
        return str(self.execution(workflow_id, tasks=False).get("status"))

    def correlated(self, name: str, correlation_id: str, *, closed: bool = True) -> list[str]:
        """Return the ids of the executions of a workflow that carry a correlation id.

        Asked for in a body: Conductor's web server answers a path with an encoded `/` by 400, and our ids have some.
        """
        path = f"/api/workflow/{segment(name)}/correlated"
        params = {"includeClosed": closed, "includeTasks": False}
        answer = self._call("POST", path, params=params, body=[correlation_id], repeatable=True)
        found = self._json(dict, "POST", path, answer).get(correlation_id) or []
        return [str(each["workflowId"]) for each in self._objects(found, "POST", path, answer, needs=_IDENTIFIED)]

    def search(self, query: str, *, start: int = 0, size: int = 100, sort: str | None = None) -> list[JsonObject]:
        """Return summaries of the executions that match, such as `workflowType IN (A,B) AND status = RUNNING`."""
        path = "/api/workflow/search"
        params = {"query": query, "start": start, "size": size, "sort": sort, "freeText": "*"}
        answer = self._call("GET", path, params=params)
        found = self._json(dict, "GET", path, answer).get("results") or []
        return self._objects(found, "GET", path, answer, needs=_IDENTIFIED)

    def pause(self, workflow_id: str) -> None:
        """Stop scheduling; tasks in progress may end."""
        self._steer("PUT", workflow_id, "pause")

    def resume(self, workflow_id: str) -> None:
        """Go on after a pause."""
        self._steer("PUT", workflow_id, "resume")

    def terminate(self, workflow_id: str, reason: str = "") -> None:
        """End an execution as TERMINATED. Raises Conflict for a completed one."""
        path = f"/api/workflow/{segment(workflow_id)}"
        self._call("DELETE", path, params={"reason": reason or None}, repeatable=True)

    def retry(self, workflow_id: str, *, resume_sub_workflows: bool = False) -> None:
        """Try the failed tasks of an ended execution again."""
        self._steer("POST", workflow_id, "retry", resumeSubworkflowTasks=resume_sub_workflows)

    def restart(self, workflow_id: str, *, latest_definition: bool = False) -> None:
        """Begin an ended execution anew under its id."""
        self._steer("POST", workflow_id, "restart", useLatestDefinitions=latest_definition)

    def rerun(self, workflow_id: str, *, from_task_id: str | None = None, **request: Json) -> str:
        """Run an ended execution again from one of its tasks (from the start without one); returns its id."""
        path = f"/api/workflow/{segment(workflow_id)}/rerun"
        body = {"reRunFromTaskId": from_task_id, **request} if from_task_id else dict(request)
        return self._text_of("POST", path, self._call("POST", path, body=body))

    def skip(self, workflow_id: str, ref: str) -> None:
        """Mark a task that is not scheduled yet as SKIPPED."""
        path = f"/api/workflow/{segment(workflow_id)}/skiptask/{segment(ref)}"
        self._call("PUT", path, body={})

    def decide(self, workflow_id: str) -> None:
        """Evaluate an execution now: makes a due timeout come true without waiting for the sweeper."""
        self._call("PUT", f"/api/workflow/decide/{segment(workflow_id)}", repeatable=True)

    def remove(self, workflow_id: str) -> None:
        """Delete an execution's records; one that is gone already is no error."""
        path = f"/api/workflow/{segment(workflow_id)}/remove"
        try:
            self._call("DELETE", path, params={"archiveWorkflow": False}, repeatable=True)
        except ConductorError as error:
            if error.status != 404:
                raise

    def _steer(self, method: str, workflow_id: str, operation: str, **params: object) -> None:
        self._call(method, f"/api/workflow/{segment(workflow_id)}/{operation}", params=params)
