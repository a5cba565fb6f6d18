"""What a run leaves behind that is ended from outside: nothing, or what the next run removes."""

import signal
import subprocess
import sys
import time

import pytest

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.transport import transport_for

LONG_TEST = """
import pathlib, time
import pytest
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]

def test_first(workflow_execution):
    pathlib.Path("begun").touch()
    time.sleep(60)
"""


@pytest.fixture
def started(project, monkeypatch):
    """Start a run whose only test lasts, with a temporary folder of its own; return the process once it is in there."""
    folder = project.pytester.path
    (folder / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder / "tmp"))

    def start(*arguments):
        project.test("first", LONG_TEST)
        command = [sys.executable, "-m", "pytest", *project.options, "-m", "batch1", *arguments]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while not (folder / "begun").exists():
            assert process.poll() is None, process.communicate()[0]
        return process

    return start


def left(project):
    return sorted(path.name for path in (project.pytester.path / "tmp").glob("k1n-*"))


@pytest.mark.parametrize("arguments", [(), ("-n1",)], ids=["plain", "xdist"])
def test_sigterm_interrupts_a_run_and_leaves_nothing(project, started, arguments):
    process = started(*arguments)
    process.send_signal(signal.SIGTERM)
    text = process.communicate(timeout=30)[0]
    assert "terminated by SIGTERM" in text
    assert process.returncode == 2
    assert left(project) == []


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminals to hang up here")
def test_a_terminal_that_is_closed_interrupts_a_run_and_leaves_nothing(project, started):
    process = started()
    process.send_signal(signal.SIGHUP)
    assert "terminated by SIGHUP" in process.communicate(timeout=30)[0]
    assert process.returncode == 2
    assert left(project) == []


def test_a_signal_that_comes_twice_at_once_is_one_wish(project, started):
    """As `timeout` sends it: to the process, and to its group."""
    process = started()
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)  # else the two would be one on their way
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 2
    assert left(project) == []


def test_nodes_that_collect_for_a_controller_which_is_interrupted_leave_nothing(project, monkeypatch):
    """The controller ends before it has read what they collected, and so has no director yet."""
    folder = project.pytester.path
    (folder / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder / "tmp"))
    project.file("conftest.py", INTERRUPTED_BEFORE_THE_NODES)
    assert project.spawn("-n1").code == 2
    assert left(project) == []


INTERRUPTED_BEFORE_THE_NODES = """
import pytest

class Interrupted:
    @pytest.hookimpl(tryfirst=True)
    def pytest_xdist_node_collection_finished(self, node, ids):
        raise KeyboardInterrupt

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Interrupted())
"""


def test_the_folder_of_a_killed_run_is_private_and_gone_after_the_next_run(project, started):
    process = started()
    process.kill()
    process.communicate()
    (name,) = left(project)
    assert (project.pytester.path / "tmp" / name).stat().st_mode & 0o777 == 0o700
    project.test("first", LONG_TEST.replace("60", "0"))
    assert project.spawn("-m", "batch1").code == 0
    assert left(project) == []


OWN_TEST = """
import pathlib, time

def test_it(conductor):
    task = {"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}
    conductor.start({"name": "own", "version": 1, "ownerEmail": "x", "tasks": [task]}).wait_for("a")
    pathlib.Path("begun").touch()
    time.sleep(60)
"""


@pytest.mark.slow  # execnet leaves a node five seconds before it interrupts its test
def test_a_node_that_a_shell_has_in_its_background_ends_what_its_test_has_started(empty_project, engine_url):
    folder = empty_project.test("own", OWN_TEST).pytester.path
    process = subprocess.Popen(
        [
            "sh",
            "-c",
            'trap "" INT; exec "$@"',
            "sh",
            sys.executable,
            "-m",
            "pytest",
            "-n1",
            f"--k1n-server={engine_url}",
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not (folder / "begun").exists():
        assert process.poll() is None, process.communicate()[0]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    client = Conductor(transport_for(engine_url))
    assert client.search("status IN (RUNNING,PAUSED)") == []
    assert len(client.search("status = TERMINATED")) == 1
    client.close()


CTRL_C_AT_THE_END = """
def pytest_collection_finish():
    from pytest_k1n.hooks.drive import Drive

    close = Drive.close

    def interrupted(self):
        close(self)
        raise KeyboardInterrupt

    Drive.close = interrupted
"""


def test_ctrl_c_while_a_run_is_being_ended_is_one_line_and_exit_2(project):
    project.pytester.makeconftest(CTRL_C_AT_THE_END)
    result = project.spawn("-m", "batch1")
    assert result.code == 2
    assert "k1n: interrupted while the run was being ended" in result.text
    assert "Traceback" not in result.text
