"""`k1n gates --self-test`: break each quality gate once, and show that it notices.

A healthy execution of the embedded engine passes; then each gate is judged on one with a fault: committed by the worker
or by another definition that ran where that can do it, written into the record where only a broken server could.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from pytest_k1n.core.baselines.regression import AgainstBaseline, judge_series
from pytest_k1n.core.baselines.series import SeriesKey
from pytest_k1n.core.definition.fingerprint import digest
from pytest_k1n.core.gates import (
    CATEGORIES,
    BatchObservation,
    CategoryResult,
    CategoryVerdict,
    Facts,
    FaultOutcome,
    GateSettings,
    judge,
)
from pytest_k1n.core.gates.category import Category
from pytest_k1n.core.model import Json
from pytest_k1n.core.plan import Phase, Template
from pytest_k1n.core.record.invocations import invocation
from pytest_k1n.core.record.observation import Invocation, LogLine, Observation, observe
from pytest_k1n.core.units import MINUTE_MS
from pytest_k1n.core.wire import wire
from pytest_k1n.servers.embedded import EmbeddedEngine
from pytest_k1n.servers.handlerworker import HandlerWorker
from pytest_k1n.workers.misbehaviour import Fault
from pytest_k1n.workers.registry import Handlers

NAME, OTHER = "K1N_SELF_TEST", "K1N_SELF_TEST_BESIDE"
ESTIMATES_MS = {"prepare": 2 * MINUTE_MS, "left": 3 * MINUTE_MS, "right": 3 * MINUTE_MS, "finish": MINUTE_MS}
TOTAL_MS = 6 * MINUTE_MS
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTried:
    """One gate, what was broken for it, and what it said."""

    category: Category
    fault: str
    healthy: CategoryResult
    broken: CategoryResult

    @property
    def has_noticed(self) -> bool:
        return self.healthy.verdict.is_pass and self.broken.verdict is CategoryVerdict.FAIL


def self_test(validate: Callable[[Mapping[str, Json], Json], list[str]], *, seed: int = 0) -> Iterator[GateTried]:
    """Break each gate once. The same seed gives the same executions."""
    settings = GateSettings(engine=True, validate=validate)
    healthy = _batch(_run(seed))
    for category in CATEGORIES:
        fault, make = FAULTS[category.id]
        yield GateTried(
            category=category,
            fault=fault,
            healthy=judge(category, healthy, settings),
            broken=judge(category, make(seed), settings),
        )


def lines(found: Sequence[GateTried]) -> Iterator[str]:
    """Show it as a table, and count."""
    for each in found:
        first = next((str(finding) for finding in each.broken.findings), "it found nothing")
        mark = "noticed" if each.has_noticed else "MISSED"
        yield f"{each.category.id:<4} {each.category.title:<34} {mark:<8} {each.fault}"
        if not each.has_noticed:
            yield f"     healthy {each.healthy.verdict}, broken {each.broken.verdict}: {first}"
    count = sum(each.has_noticed for each in found)
    yield f"{count} of {len(found)} gates can fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ran:
    """What an engine and its worker know of one execution."""

    document: Document
    logs: Mapping[str, tuple[LogLine, ...]]
    calls: tuple[Invocation, ...]


Make = Callable[[int], BatchObservation]
"""Makes a broken batch, by a seed."""
Change = Callable[[Mapping[str, Document], Document], None]
"""Writes a fault into an execution: its tasks by ref, and the whole of it."""


def _run(seed: int, *faults: str, ran: Document | None = None, beside: bool = False) -> dict[str, _Ran]:
    """Run the self-test's workflow (and another one beside it) in virtual time, with faults of the worker."""
    names = (NAME, OTHER) if beside else (NAME,)
    worker = HandlerWorker(
        Handlers(mode="simulated"),
        seed=seed,
        estimates_ms={(name, ref): ms for name in names for ref, ms in ESTIMATES_MS.items()},
        jitters={"": 0},
        faults=tuple(map(Fault.parse, faults)),
    )
    embedded = EmbeddedEngine(worker, seed=seed, slots=4)
    client = embedded.client
    ids = {
        name: client.start(name, definition=ran or _definition(name), input={"order": f"order of {name}"})
        for name in names
    }
    embedded.serve(ESTIMATES_MS)
    embedded.drain()
    found = {}
    for name, workflow_id in ids.items():
        document = cast("Document", client.execution(workflow_id))
        logs = {
            task["taskId"]: tuple(
                (int(str(line["createdTime"])), str(line["log"])) for line in client.logs(task["taskId"])
            )
            for task in document["tasks"]
        }
        calls = tuple(invocation(each) for each in worker.invocations if each["workflow_id"] == workflow_id)
        found[name] = _Ran(document=document, logs=logs, calls=calls)
    return found


def _observed(ran: _Ran, name: str) -> Observation:
    return observe(
        wire.execution(cast("Json", ran.document)),
        definition=wire.workflow_definition(cast("Json", _definition(name))),
        template=_TEMPLATE if name == NAME else None,
        time_model="virtual",
        logs=ran.logs,
        invocations=ran.calls,
        slots=4,
    )


def _batch(ran: Mapping[str, _Ran], **facts: Any) -> BatchObservation:
    observations = {name: _observed(each, name) for name, each in ran.items()}
    return BatchObservation(observations=observations, facts=replace(_GOOD, **facts))


def _committed(*faults: str, beside: bool = False, ran: Document | None = None) -> Make:
    return lambda seed: _batch(_run(seed, *faults, beside=beside, ran=ran))


def _written(change: Change, *faults: str) -> Make:
    def make(seed: int) -> BatchObservation:
        found = _run(seed, *faults)[NAME]
        document = copy.deepcopy(found.document)
        change({task["referenceTaskName"]: task for task in document["tasks"]}, document)
        return _batch({NAME: replace(found, document=document)})

    return make


def _told(**facts: Any) -> Make:
    return lambda seed: _batch(_run(seed), **facts)


def _later(ref: str, ms: int, *stamps: str) -> Change:
    """Move stamps of a task, and of the execution's end as far as the task ends after it."""

    def change(tasks: Mapping[str, Document], execution: Document) -> None:
        for stamp in stamps:
            tasks[ref][stamp] += ms
        execution["endTime"] = max(execution["endTime"], tasks[ref]["endTime"])

    return change


def _both(first: Change, second: Change) -> Change:
    def change(tasks: Mapping[str, Document], execution: Document) -> None:
        first(tasks, execution)
        second(tasks, execution)

    return change


def _output(ref: str, **values: Any) -> Change:
    return lambda tasks, _execution: tasks[ref]["outputData"].update(values)


def _input(ref: str, **values: Any) -> Change:
    return lambda tasks, _execution: tasks[ref]["inputData"].update(values)


def _unlogged(seed: int) -> BatchObservation:
    return _batch({NAME: replace(_run(seed)[NAME], logs={})})


def _two_seeds(seed: int) -> BatchObservation:
    """Pass off the histories of two seeds as one's."""
    histories = frozenset(digest(_run(each)[NAME].document["workflowId"]) for each in (seed, seed + 1))
    return _batch(_run(seed), histories={str(seed): histories})


def _against(new_ms: int) -> tuple[AgainstBaseline, ...]:
    key = SeriesKey("left", "exec")
    verdicts = judge_series([{key: ESTIMATES_MS["left"]}] * 3, [{key: new_ms}], exact=True)
    compared = AgainstBaseline(
        title=NAME, workflow=NAME, verdicts=tuple(verdicts), is_exact=True, is_simulated=False, accepted=3
    )
    return (compared,)


def _simple(ref: str, **inputs: str) -> Document:
    definition = {
        "name": ref, "retryCount": 1, "retryLogic": "FIXED", "retryDelaySeconds": 60, "timeoutSeconds": 1800,
        "timeoutPolicy": "TIME_OUT_WF", "responseTimeoutSeconds": 0, "ownerEmail": "k1n@localhost",
        "outputSchema": {"name": ref, "version": 1, "type": "JSON", "data": {
            "type": "object", "required": ["receipt"], "properties": {"receipt": {"type": "string"}}}},
    }  # fmt: skip
    return {"name": ref, "taskReferenceName": ref, "type": "SIMPLE", "inputParameters": inputs,
            "taskDefinition": definition}  # fmt: skip


def _definition(name: str, *, middle: Literal["", "one after the other", "all at once"] = "") -> Document:
    prepare, finish = _simple("prepare"), _simple("finish", receipt="${left.output.receipt}")
    left, right = (_simple(ref, order="${workflow.input.order}") for ref in ("left", "right"))
    branches = [[prepare], [left], [right]] if middle == "all at once" else [[left], [right]]
    refs = [branch[0]["taskReferenceName"] for branch in branches]
    fork = {"name": "split", "taskReferenceName": "split", "type": "FORK_JOIN", "forkTasks": branches}
    join = {"name": "both", "taskReferenceName": "both", "type": "JOIN", "joinOn": refs}
    tasks = {"": [prepare, fork, join], "one after the other": [prepare, left, right], "all at once": [fork, join]}
    return {"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "k1n@localhost",
            "tasks": [*tasks[middle], finish]}  # fmt: skip


_TEMPLATE = Template(
    id="00",
    slug="self-test",
    workflow=NAME,
    batch=1,
    phases=(
        Phase(number=1, name="begin", refs=("prepare",)),
        Phase(number=2, name="work", refs=("left", "right")),
        Phase(number=3, name="end", refs=("finish",)),
    ),
    parallel=(("left", "right"),),
    estimates_ms=ESTIMATES_MS,
    total_estimate_ms=TOTAL_MS,
    min_speedup=1.4,
)
_GOOD = Facts(
    regressions=_against(ESTIMATES_MS["left"]),
    faults=(FaultOutcome(name="worker killed", recovered_ms=900, budget_ms=30_000),),
    histories={"0": frozenset({"a"})},
    divergences={NAME: ()},
)
_SEQUENTIAL = _definition(NAME, middle="one after the other")
_ABREAST = _definition(NAME, middle="all at once")
_ALL = ("scheduledTime", "startTime", "endTime")

FAULTS: Mapping[str, tuple[str, Make]] = {
    "G1": ("the last task fails for good", _committed(f"{NAME}/finish:terminal=disk full")),
    "G2": ("record: the last task is scheduled before the JOIN has ended",
           _written(_later("finish", -MINUTE_MS, *_ALL))),
    "G3": ("phase 2 ran beside phase 1", _committed(ran=_ABREAST)),
    "G4": ("the branches ran one after the other", _committed(ran=_SEQUENTIAL)),
    "G5": ("a task puts out data of the execution beside it", _committed(f"{NAME}/finish:leak={OTHER}", beside=True)),
    "G6": ("a task takes 30 % longer", _committed(f"{NAME}/left:slow=1.3")),
    "G7": ("a critical task takes twice as long", _committed(f"{NAME}/prepare:slow=2")),
    "G8": ("the branches ran one after the other", _committed(ran=_SEQUENTIAL)),
    "G9": ("record: the server took 2 s to schedule the last task", _written(_later("finish", 2000, *_ALL))),
    "G10": (
        "record: two tasks waited 2 s for a worker",
        _written(_both(_later("left", 2000, "startTime"), _later("right", 2000, "startTime"))),
    ),
    "G11": ("record: the retry came 59 s early",
            _written(_later("finish", -59_000, *_ALL), f"{NAME}/finish#0:fail=once")),
    "G12": ("a handler is invoked twice for one task", _committed(f"{NAME}/left:twice")),
    "G13": ("record: a task ran on for an hour", _written(_later("finish", 60 * MINUTE_MS, "endTime"))),
    "G14": ("record: an output breaks its schema", _written(_output("left", receipt=7))),
    "G15": ("record: a task got other data than its definition says", _written(_input("finish", receipt="forged"))),
    "G16": ("no task has a line in its log", _unlogged),
    "G17": ("facts: a task takes 30 % longer than in its baseline",
            _told(regressions=_against(round(1.3 * ESTIMATES_MS["left"])))),
    "G18": ("facts: an execution did not come through a fault",
            _told(faults=(FaultOutcome(name="worker killed", recovered_ms=None, budget_ms=30_000, queued=1),))),
    "G19": ("the histories of two seeds are passed off as one's", _two_seeds),
    "G20": ("facts: the engine and a server differ in one status",
            _told(divergences={NAME: ("finish: COMPLETED here, FAILED there",)})),
}  # fmt: skip
"""Gate -> what is broken for it, and how. `record:` and `facts:` are written, everything else is committed and runs."""
