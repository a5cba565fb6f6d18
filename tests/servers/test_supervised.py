"""A supervised child cannot outlive us, and leaves nothing; shown with processes that are really killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from k1n_support.processes import is_alive
from pytest_k1n.servers.supervised import Supervised, log_tail

Condition = Callable[[Callable[[], object]], None]

# The leader starts a grandchild in its group and says both pids; TERM is obeyed at once.
FAMILY = "sleep 600 & echo $$ $! > pids; wait"
STUBBORN = "trap '' TERM; sleep 600 & echo $$ $! > pids; while :; do wait; done"

OWNER = """
import os, sys, time
from pathlib import Path
from pytest_k1n.servers.supervised import Supervised
folder = Path(sys.argv[1])
argv, grace_s = ["sh", "-c", sys.argv[2]], float(sys.argv[3])
with Supervised(argv, folder=folder, log_path=folder / "log", cwd=folder, grace_s=grace_s):
    while not (folder / "pids").exists() or not (folder / "pids").read_text().strip():
        time.sleep(0.01)
    print((folder / "pids").read_text(), flush=True)
    time.sleep(600)
"""


def owner(folder: Path, script: str = FAMILY, grace_s: float = 0) -> tuple[subprocess.Popen[str], list[int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder), script, str(grace_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, [int(word) for word in process.stdout.readline().split()]


def end(process: subprocess.Popen[str]) -> None:
    process.wait(60)
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_whatever_signal_ends_the_owner_nothing_is_left(
    number: signal.Signals, tmp_path: Path, eventually: Condition
) -> None:
    folder = tmp_path / "run"
    process, pids = owner(folder)
    assert len(pids) == 2
    assert all(map(is_alive, pids))
    os.killpg(process.pid, number)  # as a terminal would: the whole foreground group
    end(process)
    eventually(lambda: not any(map(is_alive, pids)) and not folder.exists())


def test_twenty_owners_killed_in_a_row_leave_no_orphan(tmp_path: Path, eventually: Condition) -> None:
    survivors: list[int] = []
    for turn in range(20):
        process, pids = owner(tmp_path / f"run-{turn}")
        process.kill()
        end(process)
        survivors += pids
    eventually(lambda: not any(map(is_alive, survivors)) and not list(tmp_path.iterdir()))


def test_a_child_that_ignores_term_is_killed_after_its_grace(tmp_path: Path, eventually: Condition) -> None:
    folder = tmp_path / "run"
    process, pids = owner(folder, STUBBORN, grace_s=0.3)
    process.kill()
    end(process)
    eventually(lambda: not any(map(is_alive, pids)) and not folder.exists())


def test_a_child_is_given_time_to_end_by_itself(tmp_path: Path) -> None:
    script = "trap 'echo graceful; exit 3' TERM; echo ready; while :; do sleep 0.02; done"
    log = tmp_path / "log"
    with Supervised(["sh", "-c", script], log_path=log, grace_s=30) as child:
        while "ready" not in log_tail(log):
            assert child.poll() is None
    assert child.poll() == 3
    # The group is told, so the shell's `sleep` is, too, and the shell may remark on that in between.
    assert log_tail(log).startswith("ready")
    assert log_tail(log).endswith("graceful")


def test_a_stopped_child_still_gets_to_end_by_itself(tmp_path: Path) -> None:
    script = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.02; done"
    log = tmp_path / "log"
    with Supervised(["sh", "-c", script], log_path=log, grace_s=30) as child:
        while "ready" not in log_tail(log):
            assert child.poll() is None
        child.kill(signal.SIGSTOP)
    assert child.poll() == 3


def test_the_end_of_a_child_ends_its_whole_group(tmp_path: Path, eventually: Condition) -> None:
    script = "sleep 600 & echo $!; exit 5"
    log = tmp_path / "log"
    with Supervised(["sh", "-c", script], log_path=log, grace_s=0) as child:
        assert child.wait(60) == 5
        grandchild = int(log_tail(log))
        eventually(lambda: not is_alive(grandchild))


def test_the_folder_outlives_the_child_but_not_the_block(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with Supervised(["sh", "-c", "echo data > db"], folder=folder, log_path=folder / "log", cwd=folder) as child:
        assert child.wait(60) == 0
        assert (folder / "db").read_text() == "data\n"
    assert not folder.exists()


def test_a_log_outside_the_folder_is_kept(tmp_path: Path) -> None:
    folder, log = tmp_path / "run", tmp_path / "server.log"
    with Supervised(["echo", "hello"], folder=folder, log_path=log) as child:
        child.wait(60)
    assert log.read_text() == "hello\n"
    assert not folder.exists()


def test_a_killed_child_is_started_again_in_the_same_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    script = "echo start >> starts; exec sleep 600"
    with Supervised(["sh", "-c", script], folder=folder, log_path=folder / "log", cwd=folder, grace_s=0) as child:
        while not (folder / "starts").exists():
            assert child.poll() is None
        first = child.pid
        child.kill()
        assert child.wait(60) == -signal.SIGKILL
        child.again()
        assert child.pid != first
        assert child.poll() is None
        while (folder / "starts").read_text() != "start\nstart\n":
            assert child.poll() is None
    assert child.poll() == -signal.SIGKILL
    assert not folder.exists()


def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with (
        pytest.raises(FileNotFoundError, match="no-such-command: No such file"),
        Supervised(["no-such-command"], folder=folder, log_path=folder / "log"),
    ):
        pass
    assert not folder.exists()


def test_hints_reach_the_child_on_its_standard_input(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Supervised(["cat"], log_path=log, stdin=True) as child:
        assert child.stdin is not None
        child.stdin.write(json.dumps({"launched": 1}).encode() + b"\n")
        child.stdin.close()
        assert child.wait(60) == 0
    assert log.read_text() == '{"launched": 1}\n'


def test_writing_to_a_dead_child_fails_instead_of_hanging(tmp_path: Path) -> None:
    with Supervised(["true"], log_path=tmp_path / "log", stdin=True) as child:
        assert child.wait(60) == 0
        assert child.stdin is not None
        with pytest.raises(BrokenPipeError):
            child.stdin.write(b"x" * 1_000_000)


def test_the_death_of_the_supervisor_itself_leaves_nothing(tmp_path: Path, eventually: Condition) -> None:
    folder = tmp_path / "run"
    with Supervised(["sleep", "600"], folder=folder, log_path=folder / "log", grace_s=0) as child:
        assert child._supervisor is not None
        child._supervisor.kill()
        child._supervisor.wait()
    eventually(lambda: not is_alive(child.pid))
    assert not folder.exists()


def test_commands_for_the_end_run_after_the_child(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    at_end = [["sh", "-c", f"echo removed >> {marks}"]]
    script = f"trap 'echo ended >> {marks}; exit' TERM; echo ready; while :; do sleep 0.02; done"
    log = tmp_path / "log"
    with Supervised(["sh", "-c", script], log_path=log, at_end=at_end) as child:
        while "ready" not in log_tail(log):
            assert child.poll() is None
    assert marks.read_text() == "ended\nremoved\n"


def test_a_child_does_not_inherit_ignored_signals(tmp_path: Path) -> None:
    log = tmp_path / "log"
    show = "import signal; print([signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)])"
    with Supervised([sys.executable, "-I", "-c", show], log_path=log) as child:
        assert child.wait(60) == 0
    assert "SIG_IGN" not in log.read_text()


def test_polling_from_many_threads_agrees(tmp_path: Path) -> None:
    with Supervised(["sh", "-c", "exit 9"], log_path=tmp_path / "log") as child:
        codes: list[int | None] = []
        threads = [threading.Thread(target=lambda: codes.append(child.wait(60))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert codes == [9] * 8


def test_the_supervisor_knows_only_the_standard_library() -> None:
    script = Path(__file__).parents[2] / "pytest_k1n/servers/supervisor.py"
    assert "pytest_k1n" not in script.read_text().replace("`supervised.Supervised`", "")
