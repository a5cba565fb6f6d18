"""Health, version, and the definitions a server knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from pytest_k1n.client.calls import Calls, JsonObject, segment
from pytest_k1n.client.errors import BadRequest, ConductorError, NotFound
from pytest_k1n.core.http import HttpRequest
from pytest_k1n.core.text import from_json

_REGISTERING_S: Final = 60.0
"""How long a server may take over definitions: it checks each of a plan's, on a busy machine for more than 10 s."""


class Metadata(Calls):
    """Calls about the server and its definitions."""

    def health(self, *, timeout_s: float = 2.0) -> bool:
        """Say whether a healthy Conductor answers: asks once, never raises for a server that is down.

        `/health` or the actuator: the latter stays DOWN on a server without Elasticsearch.
        """
        for path, key, value in (("/health", "healthy", True), ("/actuator/health", "status", "UP")):
            try:
                answer = self._transport.send(HttpRequest("GET", path, timeout_s=timeout_s))
                document = from_json(answer.body)
            except (ConductorError, ValueError):
                continue
            if isinstance(document, dict) and document.get(key) == value:
                return True
        return False

    def version(self) -> str | None:
        """Return the server's version, or None from one that does not tell (before 3.22)."""
        try:
            text = self._text_of("GET", "/api/version", self._call("GET", "/api/version"))
        except NotFound:
            return None
        return text or None

    def register_tasks(self, definitions: Sequence[Mapping[str, object]]) -> None:
        """Create or overwrite task definitions; of none nothing is sent, because a server refuses an empty list."""
        if not definitions:
            return
        self._call("POST", "/api/metadata/taskdefs", body=list(definitions), repeatable=True, timeout_s=_REGISTERING_S)

    def register_workflows(self, definitions: Sequence[Mapping[str, object]]) -> None:
        """Create or overwrite workflow definitions. Raises BadRequest that names each refused one."""
        path = "/api/metadata/workflow"
        answer = self._call("PUT", path, body=list(definitions), repeatable=True, timeout_s=_REGISTERING_S)
        errors = self._json(dict, "PUT", path, answer).get("bulkErrorResults")
        if isinstance(errors, dict) and errors:
            refused = "; ".join(f"{name}: {reason}" for name, reason in errors.items())
            raise BadRequest(f"refused: {refused}", method="PUT", path=path, url=self.url, status=answer.status)

    def unregister_workflow(self, name: str, version: int) -> None:
        """Remove one version of a workflow definition; one that is gone already is no error."""
        path = f"/api/metadata/workflow/{segment(name)}/{version}"
        try:
            self._call("DELETE", path, repeatable=True)
        except NotFound:
            return

    def unregister_task(self, name: str) -> None:
        """Remove a task definition; nothing where there is none."""
        try:
            self._call("DELETE", f"/api/metadata/taskdefs/{segment(name)}", repeatable=True)
        except NotFound:
            return

    def workflow_definition(self, name: str, version: int | None = None) -> JsonObject:
        """Return a definition, the latest version unless one is given. Raises NotFound."""
        return self._get_object(f"/api/metadata/workflow/{segment(name)}", version=version)

    def workflow_definitions(self) -> list[JsonObject]:
        """Return all workflow definitions, every version."""
        return self._get_list("/api/metadata/workflow")

    def task_definition(self, name: str) -> JsonObject | None:
        """Return a task definition, or None if the server has none of that name."""
        try:
            return self._get_object(f"/api/metadata/taskdefs/{segment(name)}")
        except NotFound:
            return None

    def task_definitions(self) -> list[JsonObject]:
        """Return all task definitions."""
        return self._get_list("/api/metadata/taskdefs")

    def register_event_handler(self, handler: Mapping[str, object]) -> None:
        """Create a handler of events. Raises BadRequest or Conflict for a name that is taken."""
        self._call("POST", "/api/event", body=dict(handler))

    def event_handlers(self) -> list[JsonObject]:
        """Return all handlers of events."""
        return self._get_list("/api/event")

    def remove_event_handler(self, name: str) -> None:
        """Remove a handler of events. Raises ConductorError for a name that the server does not know."""
        self._call("DELETE", f"/api/event/{segment(name)}")

    def lengths_of(self, queues: Sequence[str]) -> dict[str, int]:
        """Return how many messages wait in the queues of these names, which hold no comma; popped ones not counted."""
        return cast("dict[str, int]", self._get_object("/api/tasks/queue/sizes", taskType=",".join(queues)))

    def queue_sizes(self) -> dict[str, int]:
        """Return how many messages wait in each queue, popped ones not counted."""
        return cast("dict[str, int]", self._get_object("/api/tasks/queue/all"))
