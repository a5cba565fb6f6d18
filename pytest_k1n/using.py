"""The `conductor` fixture: run workflows of your own, with handlers given in the test, and end what is left running."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import pytest

from pytest_k1n.attaching import ready_state
from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import NotFound
from pytest_k1n.client.transport import transport_for
from pytest_k1n.core.model import Json
from pytest_k1n.core.observation import Observation
from pytest_k1n.core.units import duration_ms
from pytest_k1n.library import DefinitionNotFound, read_definitions
from pytest_k1n.observed import ObservedExecution, Recorder, Source
from pytest_k1n.outcomes import evidence_of
from pytest_k1n.run import Run

Definition = Mapping[str, Any] | str | Path
Handlers = Mapping[str, Callable[..., object]]
WITHIN = "30s"


class Session(Source, Protocol):
    """One execution of a user's test, and what can be done to it."""

    def work(self, ref: str, status: str, output: Mapping[str, Json], reason: str | None) -> None:
        """End a task that waits for the test: take it from its queue, as a worker would, and report its end."""

    def signal(self, status: str, output: Mapping[str, Json]) -> None:
        """End the first open WAIT or HUMAN task."""

    def terminate(self, reason: str) -> None:
        """End the execution."""

    def advance(self, ms: int) -> None:
        """Let virtual time pass. Raises RuntimeError where time is real."""

    def settle(self, until: Callable[[Observation], bool], within_ms: int) -> Observation:
        """Let the execution go on until something is observed, or it is terminal. Raises TimeoutError."""

    def close(self) -> None:
        """End what is left running."""


class Host(Protocol):
    """Where a user's executions run: a server, or an embedded engine for each."""

    url: str | None

    def open(
        self,
        definition: Mapping[str, Any],
        *,
        input: Mapping[str, Json],
        handlers: Handlers,
        task_definitions: Sequence[Mapping[str, Any]],
        simulate_rest: bool,
        test: str,
        nth: int,
    ) -> Session:
        """Start an execution with these handlers; tasks without one are simulated or left to the test.

        It is the nth that this test starts.
        """


class ConductorServer:
    """A server of this run, for tests that talk to it themselves."""

    def __init__(self, description: Mapping[str, Json], url: str) -> None:
        self.description = description
        self.url = url

    def __repr__(self) -> str:
        return f"<{self.description['kind']} server {self.description['url']}>"

    def client(self) -> Conductor:
        """Return a new client; safe to share between threads."""
        return Conductor(transport_for(self.url))


class LiveExecution(ObservedExecution):
    """An execution that goes on while the test acts on it."""

    def __init__(self, session: Session, recorder: Recorder) -> None:
        super().__init__(session, recorder)
        self._session = session

    def wait_for(self, ref: str, *, within: str = WITHIN) -> None:
        """Wait until a task has been scheduled. Raises TimeoutError; AssertionError if it never will be."""
        __tracebackhide__ = True
        observation = self._session.settle(lambda seen: bool(seen.keys(ref)), duration_ms(within))
        if not observation.keys(ref):
            raise AssertionError(f"{ref} was never scheduled: {self!r}")

    def complete(self, ref: str, output: Mapping[str, Json] | None = None) -> None:
        """Complete a task that has no handler, once it is scheduled."""
        self.wait_for(ref)
        self._session.work(ref, "COMPLETED", output or {}, None)

    def fail(self, ref: str, reason: str, *, terminal: bool = False) -> None:
        """Fail an attempt of a task that has no handler; `terminal` rules out a retry."""
        self.wait_for(ref)
        self._session.work(ref, "FAILED_WITH_TERMINAL_ERROR" if terminal else "FAILED", {}, reason)

    def signal(self, output: Mapping[str, Json] | None = None, *, status: str = "COMPLETED") -> None:
        """End the first open WAIT or HUMAN task."""
        self._session.signal(status, output or {})

    def terminate(self, reason: str = "terminated by the test") -> None:
        """End the execution."""
        self._session.terminate(reason)

    def advance(self, duration: str) -> None:
        """Let virtual time pass, as in "2h", for every execution of the engine.

        Raises RuntimeError on a server whose time is real, TimeoutError if it has not passed after a minute.
        """
        self._session.advance(duration_ms(duration))

    def wait(self, *, within: str = WITHIN) -> None:
        """Wait until the execution is terminal. Raises TimeoutError."""
        self._session.settle(lambda seen: seen.execution.is_terminal, duration_ms(within))


class ConductorFixture:
    """What the `conductor` fixture gives: start executions, observe them, end them."""

    def __init__(self, run: Run, host: Host, recorder: Recorder, *, test: str) -> None:
        self._run = run
        self._host = host
        self._recorder = recorder
        self._test = test
        self._numbers = itertools.count(1)
        self._sessions = ExitStack()

    @property
    def url(self) -> str | None:
        """The server's URL; None for the embedded engine, which needs none."""
        return self._host.url

    def run(
        self,
        definition: Definition,
        *,
        input: Mapping[str, Json] | None = None,
        handlers: Handlers | None = None,
        task_definitions: Sequence[Mapping[str, Any]] = (),
        within: str = WITHIN,
    ) -> LiveExecution:
        """Run a workflow to its end and return its execution.

        `definition` is a dict, a path, or `name[:version]` (sought in the plan's folders, then on the server).
        `handlers` maps refs or task names to callables that take a TaskContext; tasks without one are simulated.
        Raises TimeoutError if it is not terminal in time, DefinitionNotFound, ConductorError.
        """
        execution = self._open(definition, input, handlers, task_definitions, simulate_rest=True)
        execution.wait(within=within)
        return execution

    def start(
        self,
        definition: Definition,
        *,
        input: Mapping[str, Json] | None = None,
        handlers: Handlers | None = None,
        task_definitions: Sequence[Mapping[str, Any]] = (),
    ) -> LiveExecution:
        """Start a workflow and return at once; tasks without a handler wait for `complete` and `fail`."""
        return self._open(definition, input, handlers, task_definitions, simulate_rest=False)

    def close(self) -> None:
        """End what the test left running."""
        self._sessions.close()

    def _open(
        self,
        definition: Definition,
        input: Mapping[str, Json] | None,
        handlers: Handlers | None,
        task_definitions: Sequence[Mapping[str, Any]],
        *,
        simulate_rest: bool,
    ) -> LiveExecution:
        document = self._resolve(definition)
        known = {str(each["name"]): each for each in (*self._run.library.tasks, *task_definitions)}
        session = self._host.open(
            document,
            input=input or {},
            handlers=handlers or {},
            task_definitions=list(known.values()),
            simulate_rest=simulate_rest,
            test=self._test,
            nth=next(self._numbers),
        )
        self._sessions.callback(session.close)
        return LiveExecution(session, self._recorder)

    def _resolve(self, definition: Definition) -> Mapping[str, Any]:
        if isinstance(definition, Mapping):
            return definition
        path = Path(definition)
        if isinstance(definition, Path) or path.suffix == ".json":
            return next(iter(read_definitions(path)))
        try:
            return self._run.library.workflow(definition)
        except DefinitionNotFound as missing:
            if self._host.url is None:
                raise
            return self._from_server(definition, missing)

    def _from_server(self, name: str, missing: DefinitionNotFound) -> Mapping[str, Any]:
        base, _, version = name.partition(":")
        client = Conductor(transport_for(self._host.url or ""))
        try:
            return client.workflow_definition(base, int(version) if version else None)
        except NotFound:
            raise DefinitionNotFound(name, [*missing.sought, client.url]) from None
        finally:
            client.close()


@contextmanager
def using_conductor(run: Run, item: pytest.Item) -> Iterator[ConductorFixture]:
    """Give a test its `conductor`; afterwards end what it left running."""
    fixture = ConductorFixture(run, _host(run, item), Recorder(evidence_of(item)), test=item.nodeid)
    try:
        yield fixture
    finally:
        fixture.close()


def running_server(run: Run) -> ConductorServer:
    """Return the server of this run. Fails the test, without a traceback, where there is none."""
    state = run.folder.state()
    if state.server is None:
        pytest.fail(state.server_error or "no server was started for this test", pytrace=False)
    if not state.server["url"]:
        pytest.fail("the embedded engine of this run has no port: start one by `k1n server start --tier embedded`, "
                    "and give its URL as --k1n-server", pytrace=False)  # fmt: skip
    # What the state shows is without secrets; a URL that was given may hold some.
    given = run.settings.server if "://" in run.settings.server else str(state.server["url"])
    return ConductorServer(state.server, given)


def foreign_server(run: Run) -> ConductorServer:
    """Return a server that somebody else runs. Fails the test where this run owns its server."""
    server = running_server(run)
    if server.description["owned"]:
        pytest.fail("conductor_noproc needs a running server: give its URL as --k1n-server", pytrace=False)
    return server


def _host(run: Run, item: pytest.Item) -> Host:
    if item.nodeid in run.items and run.items[item.nodeid].needs == "nothing":
        from pytest_k1n.virtual import EngineHost

        return EngineHost(run)
    state = ready_state(run, item)
    if state.server is None or not state.server["url"]:
        from pytest_k1n.virtual import EngineHost

        return EngineHost(run)
    from pytest_k1n.serverhost import ServerHost

    return ServerHost(running_server(run).url, run=run)


def with_task_definitions(
    definition: Mapping[str, Any], task_definitions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a definition that carries the task definitions of its worker tasks, so that nothing need be registered.

    A task that nobody defines gets no retry and 30 s to respond: the server's own default, three retries a minute
    apart, would outlast any test.
    """
    known = {str(each["name"]): dict(each) for each in task_definitions}
    copy = cast("dict[str, Any]", json.loads(json.dumps(definition)))

    def visit(value: object) -> None:
        if isinstance(value, list):
            for each in value:
                visit(each)
        elif isinstance(value, dict):
            if "taskReferenceName" in value and value.get("type", "SIMPLE") == "SIMPLE":
                name = str(value.get("name") or value["taskReferenceName"])
                value.setdefault("taskDefinition", known.get(name, _default_task_definition(name)))
            for key, each in value.items():
                if key not in ("inputParameters", "taskDefinition"):
                    visit(each)

    visit(copy["tasks"])
    return copy


def _default_task_definition(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "retryCount": 0,
        "retryDelaySeconds": 0,
        "responseTimeoutSeconds": 30,
        "timeoutSeconds": 0,
        "ownerEmail": "k1n@example.com",
    }
