"""Clients of other languages against the served engine, over the wire: what they send is not what ours sends."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parent / "clients"
STEP = {"name": "step", "taskReferenceName": "step", "type": "SIMPLE"}
DEFINITION = json.dumps(
    [{"name": "clients", "version": 1, "ownerEmail": "a@b.c", "timeoutSeconds": 0, "tasks": [STEP]}]
)
COMMANDS = {
    "java": ["java", str(CLIENTS / "Flow.java")],
    "go": ["go", "run", str(CLIENTS / "flow.go")],
    "node": ["node", str(CLIENTS / "flow.mjs")],
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engine_url():
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_k1n.engine.serving.serve"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    found = re.search(r" at (http://\S+), ", process.stdout.readline())
    assert found is not None
    yield found[1]
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()


@pytest.mark.parametrize("language", COMMANDS)
def test_a_client_starts_works_and_sees_executions_complete(engine_url, language, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    if shutil.which(COMMANDS[language][0]) is None:
        pytest.fail(f"{language} is not installed: slow tests need java, go and node")
    command = [*COMMANDS[language], engine_url, DEFINITION]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["COMPLETED"] * 3), done.stderr


@pytest.mark.parametrize("options", [["--http2"], ["--http1.1"], ["-H", "Transfer-Encoding: chunked"], ["--http1.0"]])
def test_curl_is_answered_whatever_it_offers(engine_url, options):
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail-with-body", *options, "-X", "PUT", "-H",
         "Content-Type: application/json", "--data-binary", DEFINITION, f"{engine_url}/api/metadata/workflow"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout) == {"bulkErrorResults": {}, "bulkSuccessfulResults": ["clients"]}, done.stderr
