"""Builders for definitions as documents, an engine with a tape of what workers answer, and shorthand for reading."""

from __future__ import annotations

import gc
from types import SimpleNamespace

import pytest

from k1n_support.live import ExecutionHandle, start
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.runtime.virtualwork import VirtualResult


def simple(name, ref=None, **fields):
    return {"name": name, "taskReferenceName": ref or name, "type": "SIMPLE", **fields}


def of_type(kind, ref, **fields):
    return {"name": ref, "taskReferenceName": ref, "type": kind, **fields}


def fork(*branches, ref="fork", join="join", join_on=None, **fields):
    ends = [branch[-1]["taskReferenceName"] for branch in branches] if join_on is None else join_on
    return [
        of_type("FORK_JOIN", ref, forkTasks=[list(branch) for branch in branches]),
        of_type("JOIN", join, joinOn=ends, **fields),
    ]


def switch(cases, default=(), ref="switch", on="${workflow.input.case}"):
    return of_type(
        "SWITCH",
        ref,
        evaluatorType="value-param",
        expression="on",
        inputParameters={"on": on},
        decisionCases=cases,
        defaultCase=list(default),
    )


def loop(body, ref="loop", items="${workflow.input.items}", **fields):
    return of_type("DO_WHILE", ref, loopOver=list(body), loopCondition="true", items=items, **fields)


def workflow(*tasks, name="w", **fields):
    return {"name": name, "version": 1, "tasks": list(tasks), **fields}


class Worker:
    """Answers each ref from its tape (then with success), remembering what it was given."""

    def __init__(self, tape=None, work_ms=1000):
        self.tape = {ref: list(results) for ref, results in (tape or {}).items()}
        self.work_ms = work_ms
        self.seen = []

    def work(self, task):
        self.seen.append((task.ref, task.attempt, dict(task.input)))
        results = self.tape.get(task.ref)
        return results.pop(0) if results else VirtualResult(output={"of": task.ref}, work_ms=self.work_ms)


class Bench:
    """One engine and what a test wants to know of it."""

    def __init__(self, **settings):
        self.engine = Engine(**settings)

    def define(self, *names, **fields):
        settings = {"retryCount": 0, "retryDelaySeconds": 1, "responseTimeoutSeconds": 3600, **fields}
        for name in names:
            self.engine.catalogue.put_task({"name": name, **settings}, self.engine.now_ms)

    def register(self, document):
        self.engine.catalogue.put_workflow(document, self.engine.now_ms, is_update=True)

    def start(self, document, input_=None, **options) -> ExecutionHandle:
        return start(self.engine, document, input_, **options)

    def run(self, document, input_=None, *, tape=None, work_ms=1000, slots=1_000_000_000) -> ExecutionHandle:
        worker = Worker(tape, work_ms)
        self.engine.attach_to_all(worker, slots=slots)
        execution = self.start(document, input_)
        self.engine.drain()
        return execution


def statuses(execution):
    """{ref: statuses of its attempts}, in scheduling order."""
    found = {}
    for task in execution.state.tasks:
        found.setdefault(task.ref, []).append(task.status)
    return {ref: of[0] if len(of) == 1 else of for ref, of in found.items()}


@pytest.fixture
def bench():
    made = Bench()
    made.define(*"abcdefgh")
    return made


@pytest.fixture(scope="session")
def make():
    return SimpleNamespace(
        simple=simple,
        of_type=of_type,
        fork=fork,
        switch=switch,
        loop=loop,
        workflow=workflow,
        worker=Worker,
        result=VirtualResult,
        bench=Bench,
        statuses=statuses,
    )


@pytest.fixture
def collector_of_this_test():
    """Hide from Python's collector what was there before, so that it neither walks nor tells of that."""
    gc.freeze()
    yield
    gc.unfreeze()
