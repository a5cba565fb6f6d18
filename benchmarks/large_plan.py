"""P25: a plan of 200 templates of 22 tasks in one batch, a test for each; CPU of the whole run.

"slope" is what a template costs among 200 over what it costs among 50, both above a run of one template: 1 if linear.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.conductor_run import CHAIN, cpu_s
from benchmarks.row import Row, row

TASKS = 22
FEW, MANY = 50, 200
TEST = """
import pytest
from pytest_k1n import completed
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("W{number}")]

def test_{number}(workflow_execution):
    workflow_execution.expect(completed())
"""


def rows() -> Iterator[Row]:
    one_s, few_s, many_s = (_run_s(count) for count in (1, FEW, MANY))
    yield row("P25 200 templates", many_s, "CPU-s", limit=4)
    yield row("P25 slope", (many_s - one_s) / (MANY - 1) / ((few_s - one_s) / (FEW - 1)), "200 / 50", limit=1.3)


def _run_s(count: int) -> float:
    with tempfile.TemporaryDirectory(prefix="k1n-plan-") as name:
        folder = Path(name)
        (folder / "workflows").mkdir()
        plan = ['schema = "k1n-plan/1"', 'definitions = ["workflows"]', "[[batch]]", "number = 1"]
        for number in range(count):
            plan += ["[[batch.template]]", f'id = "{number:03}"', f'slug = "w{number}"', f'workflow = "W{number}"']
            (folder / "workflows" / f"w{number}.json").write_text(json.dumps(_chain(f"W{number}")))
            (folder / f"test_{number}.py").write_text(TEST.format(number=number))
        (folder / "k1n.toml").write_text("\n".join(plan))
        cpu_s(folder, CHAIN)  # compiles
        return cpu_s(folder, CHAIN)


def _chain(name: str) -> dict[str, object]:
    # Names of its own: workers shared by 200 templates would make them wait for each other, and gates would say so.
    tasks = [{"name": f"{name}_t{n}", "taskReferenceName": f"{name}_t{n}", "type": "SIMPLE"} for n in range(TASKS)]
    return {"name": name, "version": 1, "ownerEmail": "me@example.com", "tasks": tasks}
