"""A healthy Conductor is not blamed for what follows waits, people and sub-workflows: our worker is there in time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_k1n.servers.protocol import Endpoint

pytestmark = pytest.mark.live

BRANCHES = range(12)
PLAN = """
schema = "k1n-plan/1"
definitions = ["workflows"]

[[batch]]
number = 1
"""
TEMPLATE = """
[[batch.template]]
id = "{id}"
slug = "{slug}"
workflow = "{workflow}"
"""
TEST = """
@pytest.mark.scaled
@pytest.mark.batch1
@pytest.mark.workflow("{workflow}")
def test_{slug}(workflow_execution):
    workflow_execution.expect(completed(), follows_definition())
"""

Task = dict[str, Any]


def task(ref: str, type_: str = "SIMPLE", inputs: Task | None = None, **more: object) -> Task:
    return {"name": ref, "taskReferenceName": ref, "type": type_, "inputParameters": inputs or {}, **more}


def wait(ref: str, seconds: int = 6) -> Task:
    return task(ref, "WAIT", {"duration": f"{seconds} seconds"})


def child(ref: str, workflow: str) -> Task:
    return task(ref, "SUB_WORKFLOW", subWorkflowParam={"name": workflow})


DYNAMIC = task("named", "DYNAMIC", {"task": "wv_dynamic"}, dynamicTaskNameParam="task")
FORKED = [{"name": "wv_forked", "taskReferenceName": f"forked{number}", "type": "SIMPLE"} for number in range(3)]
DYNAMIC_FORK = [
    task("fork", "FORK_JOIN_DYNAMIC", {"tasks": FORKED, "inputs": {}},
         dynamicForkTasksParam="tasks", dynamicForkTasksInputParamName="inputs"),
    task("join", "JOIN"),
]  # fmt: skip
WORKFLOWS: dict[str, list[Task]] = {
    "WV_DYNAMIC": [task("wv_a"), wait("nap"), DYNAMIC, task("wv_z")],
    "WV_FORK": [task("wv_a"), task("ask", "HUMAN"), *DYNAMIC_FORK, task("wv_z")],
    "WV_WIDE": [
        task("fork", "FORK_JOIN", forkTasks=[[wait(f"nap{n}", 5 + n % 3), task(f"wv_after{n}")] for n in BRANCHES]),
        task("join", "JOIN", joinOn=[f"wv_after{number}" for number in BRANCHES]),
        task("wv_z"),
    ],
    "WV_NEST": [task("wv_a"), child("inner", "WV_INNER"), task("wv_z")],
    "WV_INNER": [task("wv_m"), wait("nap"), child("deep", "WV_DEEP"), task("wv_n")],
    "WV_DEEP": [task("wv_c"), task("wv_d")],
}
LAUNCHED = ("WV_DYNAMIC", "WV_FORK", "WV_WIDE", "WV_NEST")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write a stranger's project: definitions, plan, and one test of each workflow."""
    (tmp_path / "workflows").mkdir()
    for name, tasks in WORKFLOWS.items():
        document = {"name": name, "version": 1, "schemaVersion": 2, "ownerEmail": "a@example.com", "timeoutSeconds": 0,
                    "tasks": tasks}  # fmt: skip
        (tmp_path / "workflows" / f"{name.lower()}.json").write_text(json.dumps(document), encoding="utf-8")
    plan, tests = PLAN, "import pytest\n\nfrom pytest_k1n import completed, follows_definition\n\n"
    for number, name in enumerate(LAUNCHED, 1):
        plan += TEMPLATE.format(id=f"{number:02}", slug=name.lower().replace("_", "-"), workflow=name)
        tests += TEST.format(slug=name.lower(), workflow=name)
        if any(each["type"] == "HUMAN" for each in WORKFLOWS[name]):
            plan += 'answers = { ask = { after = "40m", output = { by = "ann" } } }\n'
    (tmp_path / "k1n.toml").write_text(plan, encoding="utf-8")
    (tmp_path / "test_waits.py").write_text(tests, encoding="utf-8")
    return tmp_path


def run(project: Path, url: str) -> tuple[int, str]:
    own = ("K1N_", "CONDUCTOR_", "PYTEST_")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--k1n-server={url}", "--k1n-time=scaled"],
        cwd=project, env={name: value for name, value in os.environ.items() if not name.startswith(own)},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_what_follows_waits_people_and_children_is_taken_in_time(project: Path, live_server: Endpoint) -> None:
    code, text = run(project, live_server.url)
    if code == 1 and " failed" not in text.splitlines()[-1]:  # nothing but gates: our machine is shared
        print(f"measured once more:\n{text[-3000:]}")
        shutil.rmtree(project / "test-results")
        code, text = run(project, live_server.url)
    assert code == 0, text[-3000:]
    document = json.loads((project / "test-results" / "run.json").read_text(encoding="utf-8"))
    judged = [
        gate["id"] for each in document["executions"] for gate in each["gates"]["categories"] if gate["evaluated"]
    ]
    assert judged.count("G10") == len(LAUNCHED)
