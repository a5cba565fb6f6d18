"""The `fault` mark: a test's own execution is struck, judged, and marks that say nonsense are a user's mistake."""

from __future__ import annotations

import json

import pytest

RULES = {"retryCount": 1, "retryDelaySeconds": 1, "responseTimeoutSeconds": 10, "timeoutSeconds": 0}
MODULE = """
import pytest
from pytest_k1n import completed, attempts

pytestmark = pytest.mark.workflow("W")

@pytest.mark.parametrize("kind", [
    pytest.param(kind, marks=pytest.mark.fault(kind, at="b"))
    for kind in ("server-killed", "worker-killed", "worker-frozen", "response-dropped", "latency")
])
def test_it_survives(struck_execution, kind):
    struck_execution.expect_unharmed()
    struck_execution.expect(completed())

@pytest.mark.fault("worker-killed", at="b")
def test_the_task_is_tried_again(struck_execution):
    struck_execution.expect(attempts("b", 2))
    assert str(struck_execution.fault) == "worker-killed@b/work"
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    tasks = [{"name": ref, "taskReferenceName": ref, "type": "SIMPLE"} for ref in "ab"]
    workflow = {"name": "W", "version": 1, "ownerEmail": "a@b.c", "timeoutSeconds": 0, "tasks": tasks}
    for folder in ("workflows", "tasks"):
        pytester.mkdir(folder)
    (pytester.path / "workflows/w.json").write_text(json.dumps(workflow))
    (pytester.path / "tasks/t.json").write_text(json.dumps([{"name": r, "ownerEmail": "a@b.c", **RULES} for r in "ab"]))
    pytester.makefile(
        ".toml",
        k1n='schema = "k1n-plan/1"\ndefinitions = ["workflows"]\ntask_definitions = ["tasks"]\n'
        '[[batch]]\nnumber = 1\n[[batch.template]]\nid = "01"\nslug = "w"\nworkflow = "W"\n',
    )
    return pytester


def test_a_workflow_comes_through_the_faults_of_its_marks(project: pytest.Pytester) -> None:
    project.makepyfile(MODULE)
    project.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=6)


def test_what_is_harmed_fails_and_names_the_fault(project: pytest.Pytester) -> None:
    path = project.path / "tasks/t.json"
    path.write_text(path.read_text().replace('"retryCount": 1', '"retryCount": 0'))
    project.makepyfile(MODULE)
    result = project.runpytest("-p", "no:cacheprovider", "-k", "worker-killed")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*after worker-killed@b/work: W *", "*fail*wrong-status: W: expected COMPLETED*"])


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ("fault('server-died', at='b')", "*is no kind of fault: there are worker-killed*"),
        ("fault('server-killed')", "*fault mark:*missing a required argument: 'at'*"),
        ("fault('latency', at='b', lasts=0)", "*lasts must be a number of leases above 0*"),
        ("fault('latency', at='z')", "*ERROR: *::test_it: no ref 'z' in W: known here: a, b"),
        ("workflow('V')\n        @pytest.mark.fault('latency', at='b')", "*::test_it: no workflow definition V: *"),
        ("filterwarnings('ignore')", "*asks for struck_execution: mark it with pytest.mark.fault(*"),
    ],
)
def test_a_mark_that_is_none_is_told(project: pytest.Pytester, marks: str, said: str) -> None:
    project.makepyfile(f"""
        import pytest
        @pytest.mark.workflow("W")
        @pytest.mark.{marks}
        def test_it(struck_execution): ...
    """)
    result = project.runpytest("-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_a_fault_at_a_task_that_was_not_reached_proves_nothing(project: pytest.Pytester) -> None:
    path = project.path / "workflows/w.json"
    workflow = json.loads(path.read_text())
    first, second = workflow["tasks"]
    switch = {
        "name": "s", "taskReferenceName": "s", "type": "SWITCH", "evaluatorType": "value-param", "expression": "to",
        "inputParameters": {"to": "${workflow.input.to}"}, "decisionCases": {"x": [second]},
    }  # fmt: skip
    path.write_text(json.dumps({**workflow, "tasks": [first, switch]}))
    project.makepyfile("""
        import pytest
        @pytest.mark.workflow("W")
        @pytest.mark.fault("latency", at="b")
        def test_it(struck_execution): ...
    """)
    result = project.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*latency@b/report never struck: no worker had b in hand*"])


def test_two_faults_in_one_test_are_refused(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest
        @pytest.mark.workflow("W")
        @pytest.mark.fault("latency", at="a")
        @pytest.mark.fault("worker-killed", at="b")
        def test_it(struck_execution): ...
    """)
    result = project.runpytest("-p", "no:cacheprovider")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*has two fault marks, and an execution is struck by one fault*"])
