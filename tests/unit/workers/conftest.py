"""What a handler is given, and a folder of handler scripts."""

import pytest

from pytest_k1n.workers.handler import TaskContext


def build_context(**changes):
    lines, callbacks = [], []
    values = {
        "workflow_id": "w-1", "workflow_name": "W", "ref": "task_1", "iteration": 0, "task_id": "t-1",
        "task_type": "task_1", "attempt": 0, "input": {"project": "k1n"}, "estimate_ms": 1000,
        "speed": 600.0, "seed": 0,
        "log": lines.append, "sleep": lambda ms: None, "on_stop": callbacks.append,
    }  # fmt: skip
    made = TaskContext(**(values | changes))
    return made, lines, callbacks


@pytest.fixture(scope="session")
def context():
    return build_context


@pytest.fixture
def agents(tmp_path):
    folder = tmp_path / "agents"
    folder.mkdir()

    def script(name, body, mode=0o755):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(mode)
        return path

    return folder, script
