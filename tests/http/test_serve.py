"""The engine's process: how it begins, how it is refused, how it ends."""

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_k1n.engine.serving.serve import _guards


def refused(*arguments):
    command = [sys.executable, "-m", "pytest_k1n.engine.serving.serve", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.strip().splitlines()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_lets_parked_polls_go(serve, number, until):
    with serve() as served:
        assert served.client.version() == "3.32.1-k1n-embedded"
        answers = []
        poll = threading.Thread(
            target=lambda: answers.append(served.ask("GET", "/api/tasks/poll/batch/x", workerid="w", timeout=5000))
        )
        poll.start()
        until(lambda: served.ask("GET", "/api/tasks/queue/polldata", taskType="x")[1] != [])
        code, said = served.end(number)
        poll.join(5)
    assert (code, said, answers) == (0, "", [(200, [])])


def test_it_says_what_it_is_and_where(serve):
    with serve("--clock", "scaled", "--rate", "600", "--seed", "7") as served:
        assert served.greeting == f"embedded engine, not a Conductor server, at {served.url}, scaled time, seed 7\n"
        assert served.ask("GET", "/health")[1]["healthy"] is True


def test_a_taken_port_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = f"k1n engine: port {port} is in use: choose another --port, or stop the process that uses it"
        assert refused("--port", str(port)) == (1, [said])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], "invalid choice: '0.0.0.0' (choose from"),
        (["--port", "70000"], "'70000' is not a port"),
        (["--clock", "scaled"], "--rate and --clock scaled belong together"),
        (["--rate", "600"], "--rate and --clock scaled belong together"),
        (["--clock", "scaled", "--rate", "0"], "'0' is not a rate"),
        (["--clock", "atomic"], "invalid choice: 'atomic'"),
    ],
)
def test_a_bad_option_is_refused_with_what_it_takes(arguments, says):
    code, lines = refused(*arguments)
    assert code == 2
    assert says in lines[-1]


@pytest.mark.parametrize(
    ("clock", "is_bounded"), [("virtual", True), ("manual", True), ("real", False), ("scaled", False)]
)
def test_a_loop_that_lets_time_pass_is_bounded_where_the_engine_lets_it_pass(clock, is_bounded):
    limits = _guards(clock, 500)
    assert (limits.max_at_once, limits.max_in_all < 10**6) == (500, is_bounded)


def test_it_listens_on_loopback_only(serve):
    with serve("--host", "localhost") as served:
        rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
        ours = [row.split() for row in rows if row.split()[1].endswith(f":{served.port:04X}")]
        assert {row[1].partition(":")[0] for row in ours if row[3] == "0A"} == {"0100007F"}
