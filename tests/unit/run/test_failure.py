"""The section of a failed test's report."""

from types import SimpleNamespace

from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.timing.intervals import Interval
from pytest_k1n.core.timing.weather import Weather
from pytest_k1n.core.wire import wire
from pytest_k1n.run.failure import own_section

START = 1_767_225_600_000


def section(weather):
    charge = {
        "taskType": "charge", "taskDefName": "charge", "referenceTaskName": "charge", "taskId": "t1", "seq": 1,
        "status": "FAILED", "scheduledTime": START, "startTime": START + 10, "endTime": START + 900,
        "reasonForIncompletion": "no answer\x1b[31m",
    }  # fmt: skip
    definition = {"name": "order", "version": 1, "tasks": [{"name": "charge", "taskReferenceName": "charge"}]}
    execution = wire.execution({
        "workflowId": "w1", "workflowName": "order", "workflowVersion": 1, "status": "FAILED", "tasks": [charge],
        "createTime": START, "startTime": START, "endTime": START + 1_000, "workflowDefinition": definition,
    })  # fmt: skip
    seen = observe(execution, weather=weather)
    run = SimpleNamespace(settings=SimpleNamespace(keep="never", seed=1), is_anything_set=False)
    return own_section(run, "test_x.py::test_y", [SimpleNamespace(newest=lambda: seen)])


def test_it_draws_when_the_machine_and_the_server_stood_still():
    told = section(Weather(host=(Interval(START + 200, START + 700),), server=(Interval(START + 100, START + 150),)))
    rows = {line.split()[0]: line for line in told.splitlines() if "|" in line and not line.lstrip().startswith("|")}
    assert rows["(host)"].endswith("| 500 ms still")
    assert rows["(server)"].endswith("| 50 ms still")
    assert "!!!" in rows["(host)"]
    assert "\x1b" not in told


def test_without_meters_or_stalls_there_is_no_such_row():
    assert "still" not in section(None)
    assert "still" not in section(Weather())
