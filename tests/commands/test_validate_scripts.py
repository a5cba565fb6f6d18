"""tests/validate_template_0N_*.sh: INFO and ERROR lines, results file, exit code; each run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = {
    "01": ("validate_template_01_single_task.sh", "template-01-single-task-results.json"),
    "02": ("validate_template_02_dependency_chain.sh", "template-02-dependency-chain-results.json"),
    "03": ("validate_template_03_parallel_execution.sh", "template-03-parallel-execution-results.json"),
    "04": ("validate_template_04_full_22task.sh", "template-04-full-22task-results.json"),
    "05": ("validate_template_05_optimized.sh", "template-05-optimized-results.json"),
}


class Validated:
    """What a script printed, and its exit code."""

    def __init__(self, number: str, folder: Path, *arguments: str, **environment: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("K1N_", "PYTEST"))}
        inherited.pop("CONDUCTOR_SERVER_URL", None)
        script, name = SCRIPTS[number]
        self.results = folder / name
        run = subprocess.run(
            ["sh", str(ROOT / "tests" / script), "-q", "-p", "no:cacheprovider", *arguments],
            cwd=folder,  # a script finds its project by itself
            env={**inherited, "PYTHON": sys.executable, "K1N_RESULTS": str(folder), **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.code, self.out, self.err = run.returncode, run.stdout, run.stderr


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers everything with one status, and is no Conductor."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("number", SCRIPTS)
def test_a_template_is_validated_on_its_own(number, tmp_path):
    run = Validated(number, tmp_path)
    assert run.code == 0, run.out + run.err
    assert f"INFO  template {number}: " in run.out
    assert "INFO  ✓ server: embedded, started and stopped by the run\n" in run.out
    assert f"INFO  results: {run.results} (pass " in run.out
    assert run.out.endswith(f"INFO  ✓ template {number} validated\n")
    assert "ERROR" not in run.out + run.err
    assert json.loads(run.results.read_text())["verdict"] == "pass"


def test_a_failing_run_says_so_and_exits_1(tmp_path):
    run = Validated("02", tmp_path, K1N_FAULT="K1N_TEMPLATE_02/task_7:slow=1.3")
    assert run.code == 1
    assert f"INFO  results: {run.results} (fail 40." in run.out
    assert run.err == "ERROR template 02 failed (pytest exit code 1)\n"
    assert "validated" not in run.out


def test_faults_may_come_by_pytest_s_own_variable(tmp_path):
    run = Validated("01", tmp_path, PYTEST_ADDOPTS="--k1n-fault=K1N_TEMPLATE_01/task_1:terminal=broken")
    assert run.code == 1
    assert "ERROR template 01 failed" in run.err


def test_results_of_an_earlier_run_are_not_taken_for_this_one_s(tmp_path):
    (tmp_path / SCRIPTS["01"][1]).write_text("{}")
    run = Validated("01", tmp_path, "--k1n-speed=none")
    assert run.code == 1
    assert f"ERROR no results file {run.results} was written" in run.err
    assert "--k1n-speed: 'none' is not a number" in run.out + run.err


@pytest.mark.parametrize("answering", [503], indirect=True)
def test_an_unhealthy_server_is_not_used(tmp_path, answering):
    run = Validated("01", tmp_path, CONDUCTOR_SERVER_URL=f"{answering}/api")
    assert run.code == 1
    assert run.err == f"ERROR server not healthy: {answering}/health (HTTP 503)\n"
    assert "passed" not in run.out


def test_a_dead_server_has_status_000_and_no_secret_is_shown(tmp_path):
    run = Validated("01", tmp_path, CONDUCTOR_SERVER_URL="http://me:secret@127.0.0.1:1/api")
    assert run.code == 1
    assert run.err == "ERROR server not healthy: http://127.0.0.1:1/health (HTTP 000)\n"


def test_a_foreign_server_in_the_environment_is_never_asked(tmp_path):
    run = Validated("01", tmp_path, CONDUCTOR_SERVER_URL="https://conductor.example.com/api")
    assert run.code == 1
    assert "ERROR CONDUCTOR_SERVER_URL names https://conductor.example.com, which is not on this machine" in run.err


@pytest.mark.parametrize("answering", [503], indirect=True)
def test_an_argument_names_the_server_that_is_asked(tmp_path, answering):
    run = Validated("01", tmp_path, f"--k1n-server={answering}", CONDUCTOR_SERVER_URL="http://127.0.0.1:1")
    assert run.err == f"ERROR server not healthy: {answering}/health (HTTP 503)\n"


@pytest.mark.parametrize("answering", [200], indirect=True)
def test_the_health_line_has_the_http_status(tmp_path, answering):
    run = Validated("01", tmp_path, CONDUCTOR_SERVER_URL=f"{answering}/api")
    assert f"INFO  ✓ server healthy: {answering}/health (HTTP 200)\n" in run.out
    assert run.code == 1  # healthy, and yet no Conductor
    assert "no Conductor" in run.out + run.err or "not as a Conductor" in run.out + run.err
