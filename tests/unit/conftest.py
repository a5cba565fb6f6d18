"""Builders for definitions and histories, and a small simulator that knows Conductor's order without `core.order`.

Under `--import-mode=importlib` tests cannot import one another, so all of it is handed out by session fixtures.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from pytest_k1n.core.model import (
    Execution,
    TaskKey,
    TaskRecord,
    TaskStatus,
    WorkflowDefinition,
    WorkflowStatus,
    WorkflowTask,
)

EPOCH = 1_763_696_683_000


def build_task(
    ref,
    start=None,
    end=None,
    *,
    scheduled=...,
    iteration=0,
    type=None,
    status=None,
    attempt=0,
    delay_ms=0,
    worker="worker-1",
    work_ms=None,
    output=None,
    **fields,
):
    """A task record; instants in ms from the execution's start. `work_ms` makes it simulated work."""
    stamp = lambda ms: None if ms is None else EPOCH + ms  # noqa: E731
    scheduled = start if scheduled is ... else scheduled
    if status is None:
        status = "COMPLETED" if end is not None else "IN_PROGRESS" if start is not None else "SCHEDULED"
    noted = {} if work_ms is None else {"_k1n": {"simulated": True, "work_ms": work_ms, "handler": "simulated"}}
    fields.setdefault("task_id", f"{ref}-{iteration}-{attempt}")
    fields.setdefault("def_name", ref)
    return TaskRecord(
        ref=ref,
        iteration=iteration,
        type=type or ref,
        status=TaskStatus(status),
        attempt=attempt,
        scheduled_ms=stamp(scheduled),
        started_ms=stamp(start),
        ended_ms=stamp(end),
        start_delay_ms=delay_ms,
        worker_id=worker,
        output={**(output or {}), **noted},
        **fields,
    )


def build_execution(*records, start=0, end=..., status=None, definition=None, **fields):
    """An execution of records in scheduling order; it ends with the last of them, or is open if one is."""
    ends = [record.ended_ms for record in records]
    last = None if None in ends else max(ends, default=EPOCH)
    ended = last if end is ... else None if end is None else EPOCH + end
    fields.setdefault("workflow_id", "wf-1")
    return Execution(
        name=definition.name if definition else "W",
        status=WorkflowStatus(status or ("RUNNING" if ended is None else "COMPLETED")),
        tasks=tuple(replace(record, seq=index + 1) for index, record in enumerate(records)),
        started_ms=EPOCH + start,
        ended_ms=ended,
        definition=definition,
        **fields,
    )


def wf_task(task, **fields):
    """A workflow task from a name (a SIMPLE one), or the task itself."""
    return task if isinstance(task, WorkflowTask) else WorkflowTask(ref=task, name=task, **fields)


def sequence(tasks):
    return tuple(wf_task(task) for task in ((tasks,) if isinstance(tasks, str | WorkflowTask) else tasks))


DEFINE = SimpleNamespace(
    task=wf_task,
    workflow=lambda *tasks, **fields: WorkflowDefinition(name="W", tasks=sequence(tasks), **fields),
    fork=lambda ref, *branches: wf_task(ref, type="FORK_JOIN", branches=tuple(sequence(each) for each in branches)),
    dynamic_fork=lambda ref: wf_task(ref, type="FORK_JOIN_DYNAMIC"),
    join=lambda ref, *join_on: wf_task(ref, type="JOIN", join_on=join_on),
    exclusive_join=lambda ref, *join_on: wf_task(ref, type="EXCLUSIVE_JOIN", join_on=join_on),
    switch=lambda ref, cases, default=(): wf_task(
        ref,
        type="SWITCH",
        cases={case: sequence(tasks) for case, tasks in cases.items()},
        default_case=sequence(default),
    ),
    loop=lambda ref, *body, **fields: wf_task(ref, type="DO_WHILE", loop_over=sequence(body), **fields),
    terminate=lambda ref: wf_task(ref, type="TERMINATE"),
)


@dataclass
class History:
    """A simulated execution, and what had to have ended before each task (a JOIN, a loop: before its end)."""

    definition: WorkflowDefinition
    execution: Execution
    causes: Mapping[TaskKey, frozenset[TaskKey]]


@dataclass
class Simulator:
    """Runs a definition with random durations and delays, by recursion over its structure: no graph, no queue."""

    rng: random.Random
    max_work_ms: int = 100
    violate: float = 0.0
    """How often a task is scheduled earlier than it should be."""
    records: list[TaskRecord] = field(default_factory=list)
    causes: dict[TaskKey, frozenset[TaskKey]] = field(default_factory=dict)
    ends: dict[TaskKey, int] = field(default_factory=dict)
    stop_ms: int | None = None

    def run(self, definition: WorkflowDefinition) -> History:
        at = self.gap()
        self.follow(definition.tasks, at, frozenset(), 0)
        records = [self.cut(record) for record in self.records if not self.is_too_late(record)]
        records.sort(key=lambda record: record.scheduled_ms)
        newest = {record.key: record.attempt for record in sorted(records, key=lambda record: record.attempt)}
        # The attempt that a stop has cut off was not retried.
        records = [replace(each, retried=each.retried and each.attempt < newest[each.key]) for each in records]
        last = max((record.ended_ms - EPOCH for record in records), default=0)
        execution = build_execution(*records, end=last + self.gap(), definition=definition)
        kept = {record.key for record in records}
        return History(definition, execution, {key: before for key, before in self.causes.items() if key in kept})

    def gap(self):
        return self.rng.choice((0, 0, 1, 3, self.rng.randrange(20)))

    def is_too_late(self, record):
        return self.stop_ms is not None and record.scheduled_ms > EPOCH + self.stop_ms

    def cut(self, record):
        if self.stop_ms is None or record.ended_ms <= EPOCH + self.stop_ms:
            return record
        stop = EPOCH + self.stop_ms
        started = record.started_ms if record.started_ms <= stop else None
        return replace(record, started_ms=started, ended_ms=stop, status=TaskStatus.CANCELED)

    def follow(self, tasks, at, done, iteration):
        """Run tasks one after the other; return when the last ended and what had ended by then, or None at a stop."""
        for task in tasks:
            reached = self.step(task, at, done, iteration)
            if reached is None:
                return None
            at, done = reached
        return at, done

    def step(self, task, at, done, iteration):
        key = (task.ref, iteration)
        at += self.gap()
        run = getattr(self, task.type.lower(), self.work)
        return run(task, key, at, done)

    def note(self, task, key, done, scheduled, start, end, **fields):
        self.causes[key] = done
        self.ends[key] = end
        kind = {"SIMPLE": task.name, "FORK_JOIN": "FORK"}.get(task.type, task.type)
        self.records.append(build_task(key[0], start, end, scheduled=scheduled, iteration=key[1], type=kind, **fields))
        return end, done | {key}

    def work(self, task, key, at, done):
        if self.rng.random() < self.violate:
            at = max(0, at - self.rng.randrange(1, 200))
        for attempt in range(self.rng.choice((0, 0, 0, 0, 1, 2))):
            delay = self.rng.choice((0, 10, 50))
            start = at + delay + self.gap()
            end = start + self.rng.randrange(self.max_work_ms)
            self.records.append(
                build_task(
                    key[0], start, end, scheduled=at, delay_ms=delay, iteration=key[1], type=task.name,
                    attempt=attempt, status="FAILED", retried=True, work_ms=self.simulated(end - start),
                )
            )  # fmt: skip
            at = end + self.gap()
        attempt = sum(record.key == key for record in self.records)
        delay = self.rng.choice((10, 30)) if attempt else self.rng.choice((0, 0, 0, 5))
        start = at + delay + self.gap()
        end = start + self.rng.randrange(self.max_work_ms)
        work = self.simulated(end - start)
        return self.note(task, key, done, at, start, end, attempt=attempt, delay_ms=delay, work_ms=work)

    def simulated(self, duration):
        return self.rng.choice((None, max(0, duration - self.rng.randrange(4))))

    def fork_join(self, task, key, at, done):
        _, inside = self.note(task, key, done, at, at, at)
        for branch in task.branches:
            self.follow(branch, at, inside, key[1])
        return at, inside

    def join(self, task, key, at, done):
        awaited = [(ref, key[1]) for ref in task.join_on]
        if any(before not in self.ends for before in awaited):
            return None  # a branch was stopped: the JOIN waits for ever
        end = max([at, *(self.ends[before] for before in awaited)]) + self.gap()
        for before in awaited:
            done |= self.causes[before] | {before}
        return self.note(task, key, done, at, at, end)

    def switch(self, task, key, at, done):
        case = self.rng.choice([*task.cases, "other"])
        _, inside = self.note(
            task, key, done, at, at, at + self.gap(), output={"selectedCase": case, "evaluationResult": [case]}
        )
        return self.follow(task.cases.get(case, task.default_case), at, inside, key[1])

    def do_while(self, task, key, at, done):
        opened, rounds = at, self.rng.randrange(1, 4)
        for count in range(1, rounds + 1):
            reached = self.follow(task.loop_over, at, done, count)
            if reached is None:
                return None
            at, done = reached
        end = at + self.gap()
        return self.note(task, key, done, opened, opened, end, output={"iteration": rounds})

    def terminate(self, task, key, at, done):
        self.note(task, key, done, at, at, at)
        self.stop_ms = at if self.stop_ms is None else min(self.stop_ms, at)


@dataclass
class Grammar:
    """Random sound definitions of about `size` tasks: forks, partial joins, switches, loops, in one another."""

    rng: random.Random
    size: int
    stops: bool = True
    count: int = 0
    kinds: tuple[str, ...] = ("task", "task", "task", "fork", "switch", "loop")

    def definition(self):
        return WorkflowDefinition(name="W", tasks=self.tasks(self.size, depth=3, in_loop=False))

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def tasks(self, size, depth, in_loop):
        found = []
        while size > 0:
            kind = self.rng.choice(self.kinds) if depth else "task"
            part = self.rng.randrange(1, size + 1)
            if kind == "task" or (kind == "loop" and in_loop):
                found.append(wf_task(self.name("t"), type=self.rng.choice(("SIMPLE", "SIMPLE", "SIMPLE", "WAIT"))))
                part = 1
            elif kind == "fork":
                found.extend(self.fork(part, depth - 1, in_loop))
            elif kind == "switch":
                found.append(self.switch(part, depth - 1, in_loop))
            else:
                found.append(DEFINE.loop(self.name("loop"), *self.tasks(part, depth - 1, True)))
            size -= part
        return tuple(found)

    def fork(self, size, depth, in_loop):
        shares = [max(1, size // 3)] * self.rng.randrange(1, 4)
        branches = [self.tasks(share, depth, in_loop) for share in shares]
        tails = [branch[-1].ref for branch in branches]
        joined = [tail for tail in tails if self.rng.random() < 0.85]
        yield DEFINE.fork(self.name("fork"), *branches)
        yield DEFINE.join(self.name("join"), *joined)

    def switch(self, size, depth, in_loop):
        cases = {case: self.tasks(max(1, size // 2), depth, in_loop) for case in self.rng.choice(("a", "ab"))}
        default = self.rng.choice(((), self.tasks(1, depth, in_loop)))
        if self.stops and self.rng.random() < 0.1:
            default = (DEFINE.terminate(self.name("stop")),)
        return DEFINE.switch(self.name("switch"), cases, default)


def simulate(seed, size=12, *, stops=True, violate=0.0, max_work_ms=100):
    """A random definition and one legal history of it (or, with `violate`, one that may break its order)."""
    rng = random.Random(seed)
    definition = Grammar(rng, size, stops).definition()
    return Simulator(rng, max_work_ms, violate).run(definition)


@pytest.fixture(scope="session")
def task():
    return build_task


@pytest.fixture(scope="session")
def execution():
    return build_execution


@pytest.fixture(scope="session")
def define():
    return DEFINE


@pytest.fixture(scope="session")
def history():
    return simulate


@pytest.fixture(scope="session")
def random_definition():
    return lambda seed, size=12, **rules: Grammar(random.Random(seed), size, **rules).definition()


@pytest.fixture(scope="session")
def epoch():
    return EPOCH
