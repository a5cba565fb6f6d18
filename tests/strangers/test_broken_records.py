"""Executions that other people's servers left behind: where one stalls, and what another definition is blamed for."""

import json
import os

import pytest

from k1n_support.lint_examples import DYNAMIC_FORK, A, B, C, fork, join, loop, reader, switch, task, terminate, workflow
from pytest_k1n.cli import main
from pytest_k1n.engine.documents import execution_document
from pytest_k1n.servers.alone import start_alone
from pytest_k1n.servers.handlerworker import HandlerWorker
from pytest_k1n.workers.registry import Handlers

HOUR_S = 3_600
PLAN = {
    "tasks": [{"name": f"lint_{ref}", "taskReferenceName": ref, "type": "SIMPLE"} for ref in ("s1", "s2")],
    "inputs": {},
}
FANNED = workflow(task("plan"), DYNAMIC_FORK, join(), task("z"))
LOOPED = workflow(loop(A, B), task("z"))
FORKED = workflow(fork([A, C], [B]), join("c", "b"), task("z"))
CHOSEN = workflow(switch({"x": [A]}, [B]), C)


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Run a definition to its end; keep the record, changed, as if an hour had passed since."""
    monkeypatch.chdir(tmp_path)

    def keep(definition, *, without=(), still_open=(), stays="RUNNING"):
        worker = HandlerWorker(Handlers({"plan": lambda _: PLAN}))
        execution = start_alone(definition, worker, input={"k": "x"}, within_ms=60_000)
        assert execution.settle(lambda _: False, 60_000)
        document = json.loads(json.dumps(execution_document(execution.state)))
        document["tasks"] = [each for each in document["tasks"] if each["referenceTaskName"] not in without]
        for each in document["tasks"]:
            if each["referenceTaskName"] in still_open:
                each.update(status="IN_PROGRESS", endTime=0)
        last = max(document["endTime"], document["createTime"])
        if stays == "RUNNING":
            document |= {"status": stays, "endTime": 0, "output": {}}
        path = tmp_path / "execution.json"
        path.write_text(json.dumps(document))
        os.utime(path, (last / 1000 + HOUR_S,) * 2)
        return str(path)

    return keep


@pytest.mark.parametrize(
    ("definition", "without", "still_open", "stalled"),
    [
        (LOOPED, ["z"], [], "z"),
        (LOOPED, ["z", "a__3", "b__3", "b__2"], ["l"], "b__2"),
        (LOOPED, ["z", "b__3"], ["l"], "b__3"),
        (LOOPED, ["z"], ["l"], "l"),
        (FORKED, ["z"], ["j"], "j"),
        (FORKED, ["z"], [], "z"),
        (FORKED, ["z", "c"], ["j"], "c"),
        (CHOSEN, ["a", "c"], [], "a"),
        (FANNED, ["z", "s2"], ["j"], "s2"),
        (FANNED, ["z"], [], "z"),
        (workflow(A), [], [], "lint_w"),
        (workflow(A, switch({"x": [terminate()]})), [], [], "lint_w"),
    ],
)
def test_a_stall_is_told_with_the_task_that_should_have_come(ran, capsys, definition, without, still_open, stalled):
    timeless = {**definition, "timeoutSeconds": 0}  # else its end is owed as well
    assert main(["check", ran(timeless, without=without, still_open=still_open), "--time", "virtual"]) == 1
    told = [line.split()[2] for line in capsys.readouterr().out.splitlines() if line.split()[1:2] == ["stalled:"]]
    assert told == [f"{stalled}:"]


@pytest.mark.parametrize(
    ("required", "codes"),
    [
        (FORKED, set()),
        (workflow(fork([A, C], [B]), join("b", "c"), task("z")), set()),
        (workflow(fork([C, A], [B]), join("c", "b"), task("z")), {"other-definition", "started-early"}),
        (workflow(fork([A, C], [B]), join("c", "b"), reader("z", "${a.output.x}")), {"other-definition"}),
        (workflow(fork([A, C], [B]), join("c", "b"), task("z"), task("y")), {"other-definition", "not-run"}),
        (workflow(fork([A, C], [B]), join("c", "b")), {"other-definition", "unexpected-task"}),
        (workflow(fork([A, C], [B]), join("c", "b"), task("z", "HUMAN")), {"other-definition"}),
        ({**FORKED, "version": 2}, {"other-definition"}),
    ],
)
def test_a_record_is_judged_by_the_definition_that_is_required(ran, tmp_path, capsys, required, codes):
    (tmp_path / "required.json").write_text(json.dumps(required))
    saved = ran(FORKED, stays="COMPLETED")
    assert main(["check", saved, "--time", "virtual", "--definition", "required.json"]) == bool(codes)
    found = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("fail ")]
    assert {line.split()[1].rstrip(":") for line in found} == codes
    assert len(found) == len(set(found))
