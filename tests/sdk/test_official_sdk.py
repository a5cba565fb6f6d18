"""The official Python SDK against the embedded engine, in an environment of its own: never a dependency of ours."""

import json
import os
import signal
import subprocess
import sys
import venv
from contextlib import suppress
from pathlib import Path

import pytest

SDK = "conductor-python==2.0.0"
SCRIPT = Path(__file__).parent / "fork_join.py"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sdk_python(tmp_path_factory):
    """The interpreter of an environment with the SDK; K1N_SDK_VENV keeps it from one run to the next."""
    kept = os.environ.get("K1N_SDK_VENV")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("sdk") / "venv"
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", SDK], check=True, timeout=300)
    return interpreter


@pytest.fixture
def background_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    k1n = [sys.executable, "-m", "pytest_k1n", "server"]
    started = subprocess.run(
        [*k1n, "start", "--tier", "embedded", "--port", "0", "--json"], capture_output=True, text=True, timeout=60
    )
    assert started.returncode == 0, started.stderr
    yield json.loads(started.stdout)["url"]
    subprocess.run([*k1n, "stop"], check=True, timeout=60, capture_output=True)


def test_its_clients_and_task_runners_complete_a_fork_and_join(sdk_python, background_engine):
    process = subprocess.Popen(
        [sdk_python, SCRIPT, background_engine],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=120)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its worker processes outlive a parent that was killed
    print(said)
    assert process.returncode == 0
    assert "found 1 by search; COMPLETED {'shipped': True}" in said
