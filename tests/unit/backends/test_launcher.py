"""Starting executions: what the server takes for the request is no lateness of workers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_k1n.backends.launcher import Launcher
from pytest_k1n.client.errors import BadRequest
from pytest_k1n.coordination.backend import TimeScale
from pytest_k1n.coordination.collection import Launch, Start
from pytest_k1n.core.expectations import starts_at_once
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import START_MS, Weather
from pytest_k1n.plan.library import Library

BEGAN_MS = 1_000_000
LATE_MS = 800


def snapshot(start_after_ms: int) -> dict[str, Any]:
    task = {
        "referenceTaskName": "reserve",
        "taskType": "reserve",
        "taskId": "t",
        "status": "COMPLETED",
        "retryCount": 0,
    }
    stamps = {"scheduledTime": BEGAN_MS + start_after_ms - 5, "startTime": BEGAN_MS + start_after_ms, "pollCount": 1}
    return {
        "workflowId": "w", "workflowName": "shop", "workflowVersion": 1, "status": "COMPLETED",
        "createTime": BEGAN_MS, "startTime": BEGAN_MS, "endTime": BEGAN_MS + 5000,
        "workflowDefinition": {"name": "shop", "version": 1, "tasks": [
            {"name": "reserve", "taskReferenceName": "reserve", "type": "SIMPLE"}]},
        "tasks": [{**task, **stamps, "endTime": BEGAN_MS + 5000}],
    }  # fmt: skip


@pytest.fixture
def started():
    """Start one execution on a server that takes so long for it, and look at it once it has ended."""

    def start(takes_ms: int, *, first_task_after_ms: int) -> Any:
        now = SimpleNamespace(ms=BEGAN_MS)

        def start_once(*_: object, **__: object) -> str:
            now.ms += takes_ms
            return "w"

        backend: Any = SimpleNamespace(
            client=SimpleNamespace(start_once=start_once), domain=None, time=TimeScale(name="real"),
            announce=lambda *_: None,
        )  # fmt: skip
        launcher = Launcher(
            uid="u", plan=None, library=Library(()), backend=backend, say=lambda _: None, epoch_ms=lambda: now.ms
        )
        first = Start(key="k", workflow="shop", version=None, batch=1, round=0)
        [watch] = launcher.start([first], lambda: 0).watches
        watch.see(snapshot(first_task_after_ms), 10, weather=Weather(until_ms=BEGAN_MS + 10_000))
        return watch

    return start


def test_what_the_start_took_beyond_the_usual_is_a_stall_of_the_server_for_this_execution(started):
    watch = started(LATE_MS, first_task_after_ms=LATE_MS + 5)
    assert watch.start_request == Interval(BEGAN_MS, BEGAN_MS + LATE_MS)
    assert watch.observation.weather.server == (Interval(BEGAN_MS + START_MS, BEGAN_MS + LATE_MS),)
    findings = starts_at_once("reserve", within="250ms").judge(watch.observation)
    assert [each.code for each in findings.findings] == ["not-measurable"]


def test_a_worker_that_is_late_after_a_quick_start_is_late(started):
    watch = started(20, first_task_after_ms=LATE_MS)
    assert watch.observation.weather.server == ()
    findings = starts_at_once("reserve", within="250ms").judge(watch.observation)
    assert [each.verdict for each in findings.findings] == ["fail"]


def test_so_is_one_that_is_late_beyond_a_slow_start(started):
    watch = started(LATE_MS, first_task_after_ms=2 * LATE_MS)
    findings = starts_at_once("reserve", within="250ms").judge(watch.observation)
    assert [each.verdict for each in findings.findings] == ["fail"]


def test_where_nothing_is_measured_nothing_is_excused(started):
    watch = started(LATE_MS, first_task_after_ms=LATE_MS + 5)
    watch.complete({}, None, None)
    assert watch.observation.weather is None


class Picky:
    """A server that takes no list with a definition of one of these names, and does not say which it was."""

    def __init__(self, *names):
        self.names, self.taken, self.started = names, [], []

    def _register(self, documents):
        if any(each["name"] in self.names for each in documents):
            raise BadRequest("Validation failed, check below errors for detail.")
        self.taken += [each["name"] for each in documents]

    register_tasks = register_workflows = _register

    def start_once(self, name, **_):
        self.started.append(name)
        return name


def definition(name, *tasks):
    return {"name": name, "version": 1, "tasks": list(tasks)}


def simple(name):
    return {"name": name, "taskReferenceName": name, "type": "SIMPLE"}


@pytest.fixture
def launched(tmp_path, monkeypatch):
    """Register and start workflows on a server that refuses some definitions: what failed, and what was started."""
    monkeypatch.chdir(tmp_path)

    def launch(*refused):
        sub = {"name": "call", "taskReferenceName": "call", "type": "SUB_WORKFLOW"}
        for folder, name, document in (
            ("workflows", "shop", definition("shop", simple("reserve"))),
            ("workflows", "office", definition("office", simple("file"))),
            ("workflows", "above", definition("above", {**sub, "subWorkflowParam": {"name": "office"}})),
            ("tasks", "all", [{"name": "reserve"}, {"name": "file"}]),
        ):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{name}.json").write_text(json.dumps(document))
        backend: Any = SimpleNamespace(
            client=Picky(*refused), domain=None, time=TimeScale(name="real"), announce=lambda *_: None,
            register_policy="always",
        )  # fmt: skip
        library = Library([tmp_path / "workflows"], [tmp_path / "tasks"])
        launcher = Launcher(
            uid="u", plan=None, library=library, backend=backend, say=lambda _: None, epoch_ms=lambda: 0
        )
        names = ("shop", "office", "above")
        launcher.register([Launch(key=each, workflow=each, version=None, batch=1) for each in names], policy=None)
        starts = [Start(key=each, workflow=each, version=None, batch=1, round=0) for each in names]
        return launcher.start(starts, lambda: 0).failed, backend.client.started

    return launch


def test_a_refused_definition_fails_the_starts_that_need_it_and_no_other(launched):
    failed, started = launched("office")
    assert (sorted(failed), started) == (["above", "office"], ["shop"])
    for message in failed.values():
        assert message.startswith("workflows/office.json: office was refused by the server: ")


def test_so_does_a_refused_task_definition(launched):
    failed, started = launched("reserve")
    assert (sorted(failed), sorted(started)) == (["shop"], ["above", "office"])
    assert failed["shop"].startswith("tasks/all.json: reserve was refused by the server: ")


def test_nothing_fails_where_nothing_is_refused(launched):
    assert launched()[0] == {}
