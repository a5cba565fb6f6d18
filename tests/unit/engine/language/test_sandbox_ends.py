"""The processes that scripts run in end with the engine that has started them, however it ends."""

import signal
import subprocess
import sys
import time

import pytest

from k1n_support.processes import are_gone

ENGINE = """
import os, sys, threading
from pytest_k1n.engine.language.sandbox import SANDBOX
SANDBOX.run(b"j", "1", "{}", 4)
print(*SANDBOX.pids(), flush=True)
if sys.argv[1] == "busy":
    SANDBOX.run(b"j", "while (true);", "{}", 60)
elif sys.argv[1] == "idle":
    threading.Event().wait()
elif sys.argv[1] == "fork":
    if os.fork() == 0:
        print(SANDBOX.run(b"j", "'of the child'", "{}", 4)[1].decode(), flush=True)
        os._exit(0)
    os.wait()
    print(SANDBOX.run(b"j", "'of the parent'", "{}", 4)[1].decode(), *SANDBOX.pids(), flush=True)
"""


@pytest.mark.parametrize("state", ["busy", "idle"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_child_outlives_its_engine(state, number):
    with subprocess.Popen([sys.executable, "-c", ENGINE, state], stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        pids = [int(pid) for pid in engine.stdout.readline().split()]
        assert pids
        time.sleep(0.3)  # for the script to be under way
        engine.send_signal(number)
        engine.wait(10)
        assert are_gone(pids)


def test_one_that_ends_by_itself_takes_its_child_along_and_says_nothing():
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", ENGINE, "end"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert are_gone([int(pid) for pid in done.stdout.split()])


def test_a_forked_process_has_children_of_its_own():
    done = subprocess.run([sys.executable, "-c", ENGINE, "fork"], capture_output=True, text=True, check=True)
    before, of_child, of_parent = done.stdout.splitlines()
    assert of_child == '"of the child"'
    assert of_parent == f'"of the parent" {before}'
