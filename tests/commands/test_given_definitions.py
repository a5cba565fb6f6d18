"""`k1n check --definition`: whatever a team has of what should have run, and what the plan says beside it."""

import copy
import json
import os

import pytest

from k1n_support.orders import PLAN, ZERO, simple
from pytest_k1n.cli import main

REFS = ("a", "b", "c")


def definition(*refs, **fields):
    return {"name": "order", "version": 1, "schemaVersion": 2, "tasks": list(map(simple, refs or REFS)), **fields}


def ran(*, name="order", workflow_id="wf-1", snapshot=None, **fields):
    stamps = [(100 * n, 100 * n + 90) for n in range(3)]
    tasks = [
        {"referenceTaskName": ref, "taskType": ref, "taskDefName": ref, "taskId": f"id-{ref}", "status": "COMPLETED",
         "seq": n, "scheduledTime": ZERO + start, "startTime": ZERO + start, "endTime": ZERO + end, "workerId": "w1",
         "workflowInstanceId": workflow_id, "inputData": {}, "outputData": {}}
        for n, (ref, (start, end)) in enumerate(zip(REFS, stamps, strict=True), start=1)
    ]  # fmt: skip
    return {"workflowId": workflow_id, "workflowName": name, "workflowVersion": 1, "status": "COMPLETED",
            "startTime": ZERO, "endTime": ZERO + 300, "tasks": tasks,
            "workflowDefinition": snapshot or definition(name=name), **fields}  # fmt: skip


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Write files, check some of them, and return the exit code with what was said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("K1N_SERVER", raising=False)

    def check(files, *argv):
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
            os.utime(tmp_path / name, (ZERO / 1000 + 3600,) * 2)
        code = main(["check", *argv])
        said = capsys.readouterr()
        return code, said.out + said.err

    return check


def judged(check, given, *more, execution=None):
    return check({"ran.json": execution or ran(), "d.json": given}, "ran.json", "--definition", "d.json", *more)


@pytest.mark.parametrize(
    "given",
    [
        definition(),
        [definition(version=2), definition()],
        [definition(), definition()],
        {"data": {"definitions": [definition()]}},
        {"name": "order", "version": 1, "input": {}, "workflowDef": definition()},
        ran(workflow_id="an older one"),
        [ran(workflow_id="an older one"), ran(workflow_id="another")],
        "\ufeff" + json.dumps(definition()),
        definition(description="said otherwise", updateTime=5),
        {"name": "order", "tasks": [{"name": ref, "taskReferenceName": ref} for ref in REFS]},
    ],
    ids=["plain", "two versions", "twice the same", "wrapped", "request", "execution", "executions", "BOM", "words",
         "defaults"],
)  # fmt: skip
def test_the_definition_is_found_in_what_is_given(check, given):
    code, said = judged(check, given)
    assert code == 0, said
    assert "note" not in said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (definition(version=2), "expected version 2; observed version 1 ran ("),
        (
            definition("a", "c", version=2),
            "expected version 2; observed version 1 ran: /tasks: planned [a, c], ran",
        ),
        (definition("a", "c", "b"), "started-early: b: expected scheduled after c ended"),
        (definition("a", "bee", "c"), "not-run: bee"),
        (definition("a", "b"), "unexpected-task: c"),
        (ran(snapshot=definition("a", "b")), "unexpected-task: c"),
        (definition(timeoutSeconds=60), "/timeoutSeconds: planned 60, ran nothing"),
    ],
)
def test_what_else_ran_is_a_finding_with_the_difference(check, given, words):
    code, said = judged(check, given)
    assert code == 1
    assert words in said


def test_a_folder_may_hold_other_json_and_executions(check):
    files = {"defs/order.json": definition(), "defs/package.json": {"name": "npm"}, "defs/ran.json": ran(),
             "defs/tasks.json": [{"name": "a", "retryCount": 1}], "ran.json": ran()}  # fmt: skip
    assert check(files, "ran.json", "--definition", "defs")[0] == 0


def test_several_definitions_are_given_one_after_the_other(check):
    files = {"one.json": ran(), "two.json": ran(name="second", workflow_id="wf-2"), "d.json": definition(),
             "e.json": definition(name="second")}  # fmt: skip
    code, said = check(files, "one.json", "two.json", "--definition", "d.json", "--definition", "e.json")
    assert (code, said.splitlines()[-1]) == (0, "2 executions: 2 pass")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"d/readme.json": {}}, "d: holds no workflow definition in a file that ends in .json"),
        ({"d": [definition(), definition("a", "b")]}, "d: defines order version 1 again, and not alike (/tasks)"),
        ({"d": [{"name": "a", "retryCount": 1}]}, "d: not a workflow definition"),
        ({"d": "name, order"}, "d: cannot be read as JSON"),
        (
            {"d": "# ours\nname: order\nversion: 1\n"},
            "d: is YAML, and JSON is read here: yq -p=yaml -o=json d > d.json",
        ),
        (
            {"d/order.yml": "name: order\ntasks:\n- taskReferenceName: a\n"},
            "d: holds no workflow definition in a file that ends in .json; d/order.yml: is YAML, "
            "and JSON is read here: yq -p=yaml -o=json d/order.yml > d/order.json",
        ),
        ({}, "d: cannot be read: No such file or directory"),
        (
            {"d": [definition(name=f"w{n}") for n in range(300)]},
            "ran.json: it is an execution of order, and d defines w0, w1, w10, w100, w101 and 295 more",
        ),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(check, files, words):
    code, said = check({"ran.json": ran(), **files}, "ran.json", "--definition", "d")
    assert code == 2
    assert said.startswith(f"k1n check: {words}")
    assert len(said.splitlines()) == 1


def test_a_given_definition_outranks_the_plans_and_says_so(check):
    files = {"k1n.toml": PLAN, "definitions/order.json": definition("a", "c", "b"), "ran.json": ran(),
             "d.json": definition()}  # fmt: skip
    code, said = check(files, "ran.json", "--definition", "d.json")
    assert code == 0
    assert "note     the plan's definition says otherwise (/tasks: planned [a, c, b], ran [a, b, c]); it is" in said


def test_the_version_that_the_plan_names_should_have_run_though_another_is_beside_it(check):
    other = ran(snapshot=definition(version=2), workflowVersion=2)
    files = {"k1n.toml": PLAN, "definitions/order.json": [definition(), definition(version=2)], "ran.json": other}
    code, said = check(files, "ran.json")
    assert code == 1
    assert "other-definition: order: expected version 1; observed version 2 ran (" in said


def test_without_its_snapshot_it_is_not_known_which_definition_ran(check):
    bare = copy.deepcopy(ran())
    del bare["workflowDefinition"]
    code, said = judged(check, definition(), execution=bare)
    assert code == 0
    assert "note     it carries no workflow definition: whether its server ran this one is not known" in said
