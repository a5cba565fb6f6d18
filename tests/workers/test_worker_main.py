import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_k1n.commands.worker import main, read_estimates, read_jitters
from pytest_k1n.workers.ledger import read_ledger

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    for name in ("K1N_SERVER", "CONDUCTOR_SERVER_URL", "K1N_RUN_UID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "no server: say --server URL"),
        (["--server", "localhost:8080"], "is not a server URL"),
        (["--server", "http://u:hunter2@h:x"], "is not a server URL"),
        (["--server", "http://localhost:1", "--no-hints"], "nothing to serve"),
        (["--server", "http://localhost:1", "--definitions", "nowhere"], "nowhere"),
        (["--server", "http://localhost:1", "--fault", "x"], "is no fault"),
        (["--server", "http://localhost:1", "--agents", "nowhere"], "no such folder of handler scripts"),
        (["--server", "http://localhost:1", "--handler", "a"], "write TASK=HANDLER"),
        (["--server", "http://localhost:1", "--handler", "a=none.such:x"], "cannot be imported"),
        (["--server", "http://localhost:1", "--handlers", "none_such"], "none_such cannot be imported"),
        (["--server", "http://localhost:1", "--estimates", "none.json"], "none.json: No such file"),
        (["--server", "http://localhost:1", "--plan", "none.toml"], "none.toml"),
        (["--server", "http://localhost:1", "--ledger", "no/such/folder"], "no/such/folder: No such file"),
        (["--server", "http://localhost:1", "--speed", "0"], "'0' is not a number above 0"),
        (["--server", "http://localhost:1", "--slots", "many"], "is not a whole number above 0"),
        (["--server", "http://localhost:1", "--grace", "5"], "is not a duration"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(argv, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert message in error
    assert "hunter2" not in error
    assert error.count("k1n worker: error:") == 1
    assert "Traceback" not in error


def test_an_inherited_url_of_another_host_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("CONDUCTOR_SERVER_URL", "https://me:hunter2@conductor.example.org/api")
    with pytest.raises(SystemExit):
        main([])
    error = capsys.readouterr().err
    assert "https://conductor.example.org, which is not on this host" in error
    assert "hunter2" not in error


def test_a_server_that_is_not_there_ends_the_worker_in_one_line(capsys):
    assert main(["--server", "http://127.0.0.1:1", "--types", "a"]) == 1
    assert "the server cannot be used: cannot be reached: Connection refused" in capsys.readouterr().err


@pytest.mark.parametrize("text", ['{"W": {"a": "6.5m", "b": 250}}', '[["W", "a", 390000], ["W", "b", "250ms"]]'])
def test_estimates_are_read_in_both_forms(tmp_path, text):
    (tmp_path / "e.json").write_text(text)
    assert read_estimates(tmp_path / "e.json") == {("W", "a"): 390_000, ("W", "b"): 250}


@pytest.mark.parametrize("text", ["nope", "3", '{"W": 3}', '[["W", "a"]]', '[["W", "a", -1]]', '[["W", "a", 1.5]]'])
def test_estimates_that_are_none_are_refused(tmp_path, text):
    (tmp_path / "e.json").write_text(text)
    with pytest.raises(ValueError, match=r"e\.json"):
        read_estimates(tmp_path / "e.json")


def test_jitters_are_fractions_by_workflow(tmp_path):
    (tmp_path / "j.json").write_text('{"W": 0.1, "": 0}')
    assert read_jitters(tmp_path / "j.json") == {"W": 0.1, "": 0}


@pytest.mark.parametrize(
    "text",
    ["nope", "3", "[]", '[["W", 0.1]]', '{"W": "10%"}', '{"W": -0.1}', '{"W": true}', '{"": null}', '{"W": {"a": 1}}',
     '{"W": NaN}', '{"W": Infinity}', '{"W": 1e999}'],
)  # fmt: skip
def test_jitters_that_are_none_are_refused_in_one_line(tmp_path, capsys, text):
    path = tmp_path / "j.json"
    path.write_text(text)
    with pytest.raises(SystemExit) as caught:
        main(["--server", "http://127.0.0.1:1", "--types", "a", "--jitters", str(path)])
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert error.count("k1n worker: error:") == 1
    assert "j.json" in error.splitlines()[-1]


@pytest.fixture
def process(stub, tmp_path):
    started = []

    def start(*options, env=None):
        argv = [sys.executable, "-m", "pytest_k1n", "worker", "--ledger", str(tmp_path / "ledger"), *options]
        environment = os.environ | {"K1N_SERVER": f"{stub.url}/api", "PYTHONPATH": str(ROOT), "K1N_RUN_UID": "run7"}
        with (tmp_path / "log").open("wb") as log:
            started.append(
                subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=log, env=environment | (env or {}), cwd=tmp_path)
            )
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.stdin.close()
        one.wait(10)


def test_it_follows_hints_and_stops_at_their_end(stub, process, until, tmp_path):
    worker = process("--handlers", "simulated", "--speed", "60000", "--number", "2")
    workflow_id = stub.start("W", "a", "bc", "d")
    worker.stdin.write(b"not a hint\n")
    worker.stdin.write(json.dumps({"launched": {"workflow_id": workflow_id, "name": "W"}}).encode() + b"\n")
    worker.stdin.flush()
    until(lambda: stub.status(workflow_id) == "COMPLETED", "the execution")
    worker.stdin.close()
    assert worker.wait(20) == 0
    assert [entry["ref"] for entry in read_ledger(tmp_path / "ledger")][0::3] == ["a", "d"]
    assert {entry["worker_id"] for entry in read_ledger(tmp_path / "ledger")} == {"k1n-run7-2"}
    log = (tmp_path / "log").read_text()
    assert "not a hint: b'not a hint" in log
    assert "k1n-run7-2 has stopped" in log


def test_it_stops_in_good_order_when_told_to_by_sigterm(stub, process, until, tmp_path):
    worker = process("--types", "a", "--speed", "1", "--grace", "50ms")
    workflow_id = stub.start("W", "a")
    until(lambda: read_ledger(tmp_path / "ledger"), "the task to begin")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    assert [task["status"] for task in stub.of(workflow_id)] == ["SCHEDULED"]
    assert "handed back" in (tmp_path / "log").read_text()


def test_a_fault_kills_it_with_the_task_in_hand(stub, process, until, tmp_path):
    worker = process("--types", "a", "--fault", "W/a:die")
    workflow_id = stub.start("W", "a")
    assert worker.wait(20) == -signal.SIGKILL
    (entry,) = read_ledger(tmp_path / "ledger")
    assert "end_ms" not in entry
    assert [task["status"] for task in stub.of(workflow_id)] == ["IN_PROGRESS"]


def test_it_writes_a_file_once_the_server_has_answered_a_poll(stub, process, until, tmp_path):
    ready = tmp_path / "ready"
    ready.write_text("of another worker, long gone")
    process("--types", "a", "--number", "3", "--ready", str(ready))
    until(lambda: ready.exists() and ready.read_text() == "k1n-run7-3\n", "the worker to be ready")
    assert stub.polls
    assert [path.name for path in tmp_path.iterdir() if "ready" in path.name] == ["ready"]


def test_a_file_that_cannot_be_written_is_said_and_stops_nothing(stub, process, until, tmp_path):
    worker = process("--types", "a", "--ready", str(tmp_path / "no" / "folder"))
    until(lambda: "--ready: " in (tmp_path / "log").read_text(), "the worker to say so")
    assert worker.poll() is None


def test_a_handler_of_a_module_in_this_folder_serves_its_task_without_a_word_about_types(
    stub, process, until, tmp_path
):
    (tmp_path / "shop.py").write_text("def charge(task):\n    return {'paid': True}\n")
    process("--handler", "charge=shop:charge", "--no-hints")
    workflow_id = stub.start("W", ["charge"])
    until(lambda: stub.status(workflow_id) == "COMPLETED", "the execution")
    assert stub.updates[0]["outputData"] == {"paid": True}
