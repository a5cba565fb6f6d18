"""`Conductor`: a server's REST API as typed calls."""

from __future__ import annotations

from pytest_k1n.client.clock import ClockCalls
from pytest_k1n.client.executions import Executions
from pytest_k1n.client.metadata import Metadata
from pytest_k1n.client.tasks import Tasks


class Conductor(Metadata, Executions, Tasks, ClockCalls):
    """A Conductor server, real or embedded, behind a transport. May be shared between threads if its transport may.

    Every call raises ConductorError (see `errors`). Reads and updates by task id are repeated for `patience_s` while
    the server is unreachable or busy; starts, retries, reruns and the like never are.
    """

    def __repr__(self) -> str:
        return f"Conductor({self.url!r})"
