"""A harmed run can be looked at afterwards: what the server and the worker knew of it is in a file."""

from __future__ import annotations

import json
from pathlib import Path

from pytest_k1n.chaos.faults import parse_injection
from pytest_k1n.chaos.judging import Aftermath
from pytest_k1n.chaos.kept import keep
from pytest_k1n.chaos.rig import Passed
from pytest_k1n.core.findings import Finding
from pytest_k1n.core.model import Execution, WorkflowStatus


def test_what_a_harmed_run_left_is_kept_as_the_server_answered_it(tmp_path: Path) -> None:
    answered = {"execution": {"workflowId": "w-1", "unknownToUs": [1]}, "invocations": [{"task_id": "t-1"}]}
    execution = Execution(workflow_id="w-1", name="W", version=1, status=WorkflowStatus.COMPLETED, started_ms=0)
    evidence = Aftermath(execution=execution, effects={}, document=answered)
    finding = Finding(code="effect-lost", subject="a", expected="one", observed="none")
    passed = Passed(evidence=(evidence,), struck=True, took_s=1.0)
    path = keep(tmp_path, 7, parse_injection("worker-killed@a/work"), passed, [finding])
    assert path == tmp_path / "run-7.json"
    document = json.loads(path.read_text())
    assert document["left"] == [answered]
    assert document["findings"] == [str(finding)]
    assert document["injection"].startswith("worker-killed@a/work, for ")
