"""The embedded engine behind the director: batches share one engine, whose clock jumps when the director asks it to."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_k1n.coordination.backend import TimeModel
from pytest_k1n.core.model import Json
from pytest_k1n.library import Library
from pytest_k1n.servers.embedded import EmbeddedEngine, HandlerWorker
from pytest_k1n.workers.worker import worker_types


class EmbeddedBackend:
    """An engine in this process; its workers are handlers whose work takes virtual time."""

    def __init__(self, worker: HandlerWorker, library: Library, *, seed: int, slots: int, version: str) -> None:
        self._embedded = EmbeddedEngine(worker, seed=seed, slots=slots)
        self._library = library
        self._version = version
        self.client = self._embedded.client
        self.time = TimeModel(name="virtual")
        self.domain: str | None = None
        self.slots: int | None = slots

    @property
    def server(self) -> Mapping[str, Json]:
        """kind, url, version, owned, notes: for headers and results."""
        return {"kind": "embedded", "url": None, "version": self._version, "owned": True, "notes": []}

    def announce(self, workflow_id: str, workflow: str) -> None:
        """Have the worker serve every task type that an execution of this workflow may come to."""
        del workflow_id, workflow  # sub-workflows may be any of the library's: all of them are served
        definitions = (self._library.workflow_definition(str(each["name"])) for each in self._library.workflows)
        self._embedded.serve(worker_types(definitions))

    def settle(self) -> None:
        """Let virtual time pass until nothing more happens by itself."""
        self._embedded.drain()

    def trouble(self) -> str | None:
        """Say why an execution that is still open will stay so: nothing more happens by itself."""
        waits = self._embedded.waits_for()
        if waits is None:
            return None
        dead = "the worker has died; " if self._embedded.worker.has_died else ""
        return f"{dead}nothing more happens by itself in virtual time: {waits}"

    def invocations(self) -> tuple[Mapping[str, Json], ...] | None:
        """Return the handlers' invocations, in virtual time."""
        return tuple(self._embedded.worker.invocations)
