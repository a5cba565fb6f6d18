"""Starting executions on a backend, each with a watch set on it; before the first, their definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from pytest_k1n.backends.opening import Backend
from pytest_k1n.client.errors import BadRequest, ConductorError
from pytest_k1n.coordination.collection import Launch, Start
from pytest_k1n.coordination.registration import register
from pytest_k1n.coordination.watch import Watch
from pytest_k1n.core.choices import RegisterPolicy
from pytest_k1n.core.model import Json, WorkflowDefinition
from pytest_k1n.core.pending.patience import deadline_ms
from pytest_k1n.core.plan import Plan, Template
from pytest_k1n.core.record.correlation import batch_correlation_id
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.plan.find import shown
from pytest_k1n.plan.library import DefinitionNotFound, Library, started_workflows

LOOK_MS = 50
"""Shortest time between two looks at one execution; the longest is a 2,000th of its deadline, at most 1 s."""


@dataclass(frozen=True, slots=True)
class Started:
    """What came of a group of starts."""

    watches: tuple[Watch, ...]
    failed: Mapping[str, str]
    """Launch key -> why it could not be launched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launcher:
    """Starts executions of one run; knows no clocks but the `now_ms` it is given (monotonic) and `epoch_ms`."""

    uid: str
    plan: Plan | None
    library: Library
    backend: Backend
    say: Callable[[str], None]
    epoch_ms: Callable[[], int]
    refused: dict[int, str] = field(default_factory=dict)
    """`id` of a document of the library -> why the server did not take it."""

    def register(self, launches: Iterable[Launch], *, policy: RegisterPolicy | None) -> None:
        """Register the definitions on disk that launches need; `policy` None is what suits the server.

        All of them before the first start; one that the server refuses fails only the starts that need it.
        """
        workflows = self._wanted_definitions([(each.workflow, each.version) for each in launches])
        if workflows:
            tasks, known = self.library.tasks, policy or self.backend.register_policy
            register(self.backend.client, workflows, tasks, policy=known, refused=self._note_refused)

    def _note_refused(self, document: Mapping[str, Json], error: ConductorError) -> None:
        file = self.library.file_of(document)
        where = f"{shown(file, Path.cwd())}: " if file else ""
        self.refused[id(document)] = f"{where}{document.get('name')} was refused by the server: {error}"
        self.say(self.refused[id(document)])

    def _refusal(self, start: Start) -> str | None:
        """Say why a definition that a start needs is not on the server."""
        for document in self._wanted_definitions([(start.workflow, start.version)]) if self.refused else ():
            version = document.get("version")
            version = version if isinstance(version, int) else None
            definition = self.library.known_definition(str(document["name"]), version)
            names = {task.name for task in definition.walk()} if definition else set()
            for each in (document, *(task for task in self.library.tasks if task.get("name") in names)):
                if id(each) in self.refused:
                    return self.refused[id(each)]
        return None

    def start(self, starts: Sequence[Start], now_ms: Callable[[], int]) -> Started:
        """Start a group at one moment: a thread for each, so that no start waits for another's answer."""
        with ThreadPoolExecutor(max_workers=len(starts)) as pool:
            attempts = [(start, pool.submit(self._start_one, start)) for start in starts]
        watches: list[Watch] = []
        failed: dict[str, str] = {}
        started_ms = now_ms()
        for start, attempt in attempts:
            error = attempt.exception()
            if isinstance(error, ConductorError | DefinitionNotFound):
                failed[start.key] = str(error) or type(error).__name__
                self.say(f"{start.workflow} could not be launched: {error}")
            elif error is not None:
                raise error
            else:
                watches.append(self._watch(start, *attempt.result(), started_ms))
        return Started(tuple(watches), failed)

    def _start_one(self, start: Start) -> tuple[str, str, Interval]:
        if refusal := self._refusal(start):
            raise BadRequest(refusal)
        domain = self.backend.domain
        correlation_id = batch_correlation_id(
            self.uid, start.workflow, batch=start.batch, round_=start.round, key=start.key
        )
        asked_ms = self.epoch_ms()
        workflow_id = self.backend.client.start_once(
            start.workflow,
            version=start.version,
            input=start.input,
            correlation_id=correlation_id,
            task_to_domain={"*": domain} if domain else None,
        )
        request = Interval(asked_ms, self.epoch_ms())
        self.backend.announce(workflow_id, start.workflow)
        return workflow_id, correlation_id, request

    def _watch(self, start: Start, workflow_id: str, correlation_id: str, request: Interval, now_ms: int) -> Watch:
        definition = self._definition(start)
        template = self._template(start, definition)
        allowed_ms = deadline_ms(
            template,
            definition,
            self.library.task_definitions,
            speed=self.backend.time.speed,
            within_ms=start.within_ms,
        )
        return Watch(
            start=start,
            workflow_id=workflow_id,
            correlation_id=correlation_id,
            template=template,
            definition=definition,
            time=self.backend.time,
            deadline_ms=now_ms + allowed_ms,
            start_request=request,
            look_every_ms=max(LOOK_MS, min(1000, allowed_ms // 2000)),
            say=self.say,
        )

    def _definition(self, start: Start) -> WorkflowDefinition | None:
        try:
            return self.library.workflow_definition(start.workflow, start.version)
        except DefinitionNotFound:
            return None

    def _template(self, start: Start, definition: WorkflowDefinition | None) -> Template | None:
        template = self.plan.template_for(start.workflow) if self.plan else None
        if self.plan is None or template is None or definition is None:
            return template
        return self.plan.planned(template, definition, self.library.known_definition, self.library.task_definitions)

    def _wanted_definitions(self, wanted: list[tuple[str, int | None]]) -> list[Mapping[str, Json]]:
        """Return the launched definitions and, over any number of levels, those they start as sub-workflows."""
        found: dict[tuple[str, str], Mapping[str, Json]] = {}
        while wanted:
            # A definition that is nowhere on disk may still be on the server; the start will tell.
            try:
                document = self.library.workflow(*wanted.pop())
            except DefinitionNotFound:
                continue
            key = (str(document["name"]), str(document.get("version", 1)))
            if key not in found:
                found[key] = document
                wanted += started_workflows(document)
        return list(found.values())
