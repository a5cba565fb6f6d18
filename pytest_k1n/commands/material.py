"""What `k1n init` starts from: definitions, and how long recorded runs took; from a server, or a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, cast

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import NotFound
from pytest_k1n.commands.guessing import guesses
from pytest_k1n.core.definition.inlining import startable
from pytest_k1n.core.model import Execution, Json, WorkflowDefinition, worker_types
from pytest_k1n.core.record.observation import record_is_simulated
from pytest_k1n.core.standins.rehearsed import late_inputs, plausible_outputs, rehearsed
from pytest_k1n.core.units import HOUR_MS, SECOND_MS
from pytest_k1n.core.wire import wire
from pytest_k1n.core.wire.fields import WireError
from pytest_k1n.plan.library import read_definitions, read_folder, read_readable, started_workflows
from pytest_k1n.validation.bounded import files_in

Document = Mapping[str, Any]
_ANSWERED_AFTER_MS = HOUR_MS
_OF_TASKS = frozenset({"retryCount", "retryLogic", "timeoutSeconds", "responseTimeoutSeconds", "timeoutPolicy"})
"""Keys of which a task definition has one: other files with a `name` are of other things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """How long something took in recorded runs, in ms, newest first."""

    makespans_ms: tuple[int, ...] = ()
    work_ms: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """By ref: the last attempts, of all iterations."""

    @property
    def estimates_ms(self) -> dict[str, int]:
        """The median of each ref; at least 1 ms, for work that a stamp is too coarse for."""
        return {ref: max(1, round(median(values))) for ref, values in self.work_ms.items()}

    @property
    def spread(self) -> float:
        """The largest deviation of one task from its median, as a fraction of it."""
        medians = self.estimates_ms
        found = [(value - medians[ref]) / medians[ref] for ref, values in self.work_ms.items() for value in values]
        return max(map(abs, found), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Definitions of a workflow and of everything it uses, and what is known of its durations."""

    workflows: tuple[Document, ...]
    """The one to be tested first, then its sub-workflows."""
    tasks: tuple[Document, ...]
    estimates_ms: Mapping[str, int]
    recorded: Recorded
    guessed: tuple[str, ...] = ()
    """Refs without a recorded estimate."""
    source: str
    input: Mapping[str, Json]
    notes: tuple[str, ...] = ()
    is_example: bool = False
    """Whether it is the project's own example rather than a user's workflow, whose names may be the same."""

    @property
    def definition(self) -> WorkflowDefinition:
        """The workflow to be tested, parsed."""
        return wire.workflow_definition(cast("Json", self.workflows[0]))

    def requests(self) -> dict[str, str]:
        """Return ref -> what a HTTP task of any of the workflows would have a server, or the embedded engine, send."""
        return {
            each.ref: each.what
            for document in self.workflows
            for each in rehearsed(document, self.workflows)[1]
            if each.kind == "HTTP"
        }

    def replies(self) -> dict[str, dict[str, Any]]:
        """Return ref -> what its HTTP task may be answered: made up, what other tasks read of the body."""
        read = plausible_outputs(self.workflows)
        found = {}
        for ref in self.requests():
            response = read.get(ref, {}).get("response")
            body = response.get("body") if isinstance(response, dict) else None
            found[ref] = {"body": {} if body is None else body}
        return found

    def answered_after_ms(self) -> dict[str, int]:
        """Return ref -> how long after it is asked a HUMAN or an endless WAIT may be answered: an hour, made up.

        Half of the time limit where that is shorter. Tasks of sub-workflows are among them.
        """
        parsed = [wire.workflow_definition(cast("Json", each)) for each in self.workflows]
        limits = {str(each.get("name")): int(each.get("timeoutSeconds") or 0) for each in self.tasks}
        return {
            task.ref: min([_ANSWERED_AFTER_MS, *(limit * SECOND_MS // 2 for limit in found if limit)])
            for definition in parsed
            for task in definition.walk()
            if task.type == "HUMAN" or (task.type == "WAIT" and not {"duration", "until"} & task.inputs.keys())
            for inline in [task.task_definition]
            for found in [(definition.timeout_s, inline.timeout_s if inline else limits.get(task.name, 0))]
        }


def from_server(client: Conductor, name: str, *, runs: int) -> Material:
    """Read a workflow, all that it uses, and up to `runs` of its completed executions. Changes nothing there.

    Raises LookupError that lists what there is, ConductorError, WireError.
    """
    base, _, version = name.partition(":")
    try:
        main = _asked(client, base, int(version) if version.isdecimal() else None)
    except NotFound:
        known = sorted({str(each.get("name")) for each in client.workflow_definitions()})
        raise LookupError(f"{client.url} has no workflow {name}; it has {', '.join(known) or 'none'}") from None
    workflows = _with_children(client, main)
    parsed = [wire.workflow_definition(cast("Json", each)) for each in workflows]
    tasks = [found for each in worker_types(parsed) if (found := client.task_definition(each)) is not None]
    executions = _executions(client, parsed[0], runs)
    real = [each for each in executions if not any(map(record_is_simulated, each.tasks))]
    recorded = _recorded(real)
    estimates = recorded.estimates_ms
    guessed = tuple(task.ref for task in parsed[0].walk() if task.type == "SIMPLE" and task.ref not in estimates)
    notes = [f"{len(real)} completed runs were read"] if runs else []
    if len(real) < len(executions):
        notes.append(f"{len(executions) - len(real)} runs of simulated work were left out: they prove themselves")
    return Material(
        workflows=tuple(map(_plain, workflows)),
        tasks=tuple(map(_plain, tasks)),
        estimates_ms={**estimates, **guesses(parsed[0], tasks, guessed, estimates)},
        recorded=recorded,
        guessed=guessed,
        source=client.url,
        input=_examples(main),
        notes=tuple(notes),
    )


def from_file(path: Path, name: str | None = None) -> Material:
    """Read a workflow from a file, or a folder, and those that it starts from the files beside it.

    Of several in the file `name` chooses one, else the first; in a folder it may be left out where one starts all
    others. Task definitions are written where the files have none.
    Raises LookupError that lists what there is, DefinitionError, OSError, WireError.
    """
    if path.is_dir():
        path, name = _chosen_in(path, name)
    documents = [each for each in read_definitions(path) if "tasks" in each]
    base, _, version = (name or "").partition(":")
    wanted = [each for each in documents if not base or each.get("name") == base]
    wanted = [each for each in wanted if not version or str(each.get("version") or 1) == version]
    if not wanted:
        known = ", ".join(str(each.get("name")) for each in documents) or "none"
        raise LookupError(f"{path} has no workflow{' ' + name if name else ''}; it has {known}")
    main = {"version": 1, **wanted[0]}
    beside = list(_beside(path))
    others = [each for each in beside if "tasks" in each and each.get("name") != main["name"]]
    workflows = [
        main,
        *(each for each in startable(main, [*documents, *others], is_certain=True) if each is not wanted[0]),
    ]
    workflows = list({str(each["name"]): each for each in workflows}.values())
    parsed = [wire.workflow_definition(cast("Json", each)) for each in workflows]
    inline = {task.name for each in parsed for task in each.walk() if task.task_definition is not None}
    rules = {str(each["name"]): each for each in beside if "tasks" not in each and each.keys() & _OF_TASKS}
    refs = [task.ref for task in parsed[0].walk() if task.type == "SIMPLE"]
    wanted_types = [each for each in worker_types(parsed) if each in rules or each not in inline]
    found = [each for each in wanted_types if each in rules]
    tasks = tuple(rules.get(each) or task_of(each) for each in wanted_types)
    return Material(
        workflows=tuple(workflows),
        tasks=tasks,
        estimates_ms=guesses(parsed[0], tasks, refs, {}),
        recorded=Recorded(),
        guessed=tuple(refs),
        source=str(path),
        input=_examples(main),
        notes=(f"took the task definitions of {', '.join(found)} from beside it, or from a folder `tasks`",)
        if found
        else (),
    )


def _chosen_in(folder: Path, name: str | None) -> tuple[Path, str]:
    """Find the file of a workflow in a folder: of `name`, else the one that no other starts. Raises LookupError."""
    found = list(read_folder(folder))
    started = {each for _, document in found for each, _ in started_workflows(document)}
    base = (name or "").partition(":")[0]
    wanted = {
        str(document["name"]): path
        for path, document in found
        if (document["name"] == base if base else document["name"] not in started)
    }
    if len(wanted) != 1:
        known = ", ".join(sorted({str(document["name"]) for _, document in found})) or "none"
        raise LookupError(f"{folder} has the workflows {known}: say which one with --workflow NAME")
    ((only, path),) = wanted.items()
    return path, name or only


def _beside(path: Path) -> Iterator[Document]:
    """Yield the definitions of the files in a file's folder, the file's own last; what else is there is left out."""
    yield from _tasks_around(path)
    others = [other for other in files_in(path.parent, deep=False) if other != path]
    for other in (*others, path):
        for marker in ("tasks", "name"):
            yield from (each for each in read_readable([other], marker) if (marker == "tasks") is ("tasks" in each))


def _tasks_around(path: Path) -> Iterator[Document]:
    """Yield the task definitions of a folder `tasks` in the file's folder, or beside it."""
    folder = path.resolve().parent
    files = (*files_in(folder.parent / "tasks", deep=False), *files_in(folder / "tasks", deep=False))
    yield from (each for each in read_readable(files, "name") if "tasks" not in each)


def _asked(client: Conductor, name: str, version: int | None) -> Document:
    """Ask for a definition. Raises NotFound, and ValueError for an answer that is none."""
    document = client.workflow_definition(name, version)
    try:
        wire.workflow_definition(document)
    except WireError as error:
        raise ValueError(f"what {client.url} answers for workflow {name} is no definition: {error}") from None
    return document


def _with_children(client: Conductor, main: Document) -> list[Document]:
    """Return a definition and those of all workflows that it starts; a missing one is left to the rehearsal."""
    found: dict[tuple[str, int | None], Document] = {(str(main["name"]), None): main}
    waiting = [main]
    while waiting:
        for key in started_workflows(waiting.pop()):
            if key in found:
                continue
            try:
                found[key] = _asked(client, *key)
            except NotFound:
                continue
            waiting.append(found[key])
    return list(found.values())


def _executions(client: Conductor, definition: WorkflowDefinition, runs: int) -> list[Execution]:
    if runs < 1:
        return []
    query = f"workflowType IN ({definition.name}) AND status IN (COMPLETED)"
    summaries = client.search(query, size=runs, sort="startTime:DESC")
    read = (wire.execution(cast("Json", client.execution(str(each["workflowId"])))) for each in summaries)
    ended = (each for each in read if each.version == definition.version and each.ended_ms is not None)
    return sorted(ended, key=lambda each: -each.started_ms)


def _recorded(executions: Sequence[Execution]) -> Recorded:
    work: dict[str, list[int]] = {}
    for execution in executions:
        for (ref, _), record in execution.finals.items():
            works = record.is_worker_task or record.type == "SUB_WORKFLOW"
            if works and record.started_ms is not None and record.ended_ms is not None:
                work.setdefault(ref, []).append(record.ended_ms - record.started_ms)
    makespans = tuple((each.ended_ms or 0) - each.started_ms for each in executions)
    return Recorded(makespans_ms=makespans, work_ms={ref: tuple(values) for ref, values in work.items()})


def _inputs(document: Document) -> Iterable[str]:
    names = document.get("inputParameters")
    return [str(name) for name in names] if isinstance(names, list) else []


def _examples(document: Document) -> dict[str, Any]:
    """Make up an input: a text for each key, and what dynamic tasks and forks of it can begin with."""
    return {**dict.fromkeys(_inputs(document), "example"), **late_inputs(document)}


def _plain(document: Document) -> Document:
    """Leave out what the server notes about a definition: by which client it was registered, and when."""
    notes = ("createTime", "updateTime", "createdBy", "updatedBy", "accessPolicy")
    return {key: value for key, value in document.items() if key not in notes}


def task_of(name: str) -> dict[str, Any]:
    """Return the definition that is written for a task of which there is none."""
    return {
        "name": name,
        "retryCount": 1,
        "retryLogic": "FIXED",
        "retryDelaySeconds": 1,
        "responseTimeoutSeconds": 10,
        "timeoutSeconds": 0,
        "timeoutPolicy": "TIME_OUT_WF",
        "ownerEmail": "k1n@example.com",
    }
