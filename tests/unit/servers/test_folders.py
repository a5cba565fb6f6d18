"""What a killed run leaves is removed by the next one, and nothing else is."""

import os
import subprocess
import sys
import time

import pytest

from pytest_k1n.servers.folders import ProcessId, new_run_folder, own_folder, sweep, sweep_drafts


@pytest.fixture
def dead():
    """A process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return ProcessId(process.pid, 1, ProcessId.own().space)


def folder_of(root, process):
    folder = root / "-".join(["k1n", "0a1b2c3d", *map(str, process)])
    (folder / "executions").mkdir(parents=True)
    (folder / "executions" / "x.json").write_text("{}")
    return folder


def test_the_folder_of_a_dead_process_is_removed(tmp_path, dead):
    folder = folder_of(tmp_path, dead)
    assert sweep(tmp_path) == [folder]
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_living_process_stays(tmp_path):
    folder = new_run_folder("0a1b2c3d", root=tmp_path)
    folder.mkdir()
    assert sweep(tmp_path) == []
    assert folder.exists()


def test_a_process_that_only_has_the_same_number_is_another_one(tmp_path):
    own = ProcessId.own()
    if not own.born:
        pytest.skip("this system does not tell when a process started")
    folder_of(tmp_path, own._replace(born=own.born - 1))
    assert len(sweep(tmp_path)) == 1


def test_a_process_of_another_namespace_is_never_called_dead(tmp_path, dead):
    folder_of(tmp_path, dead._replace(space=dead.space + 1))
    assert sweep(tmp_path) == []


def test_a_folder_of_its_own_is_private_and_goes_with_its_block(tmp_path):
    with own_folder(root=tmp_path) as one, own_folder(root=tmp_path) as other:
        assert one != other
        assert one.stat().st_mode & 0o777 == 0o700
        assert sweep(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_sweep_has_begun_is_finished(tmp_path, dead):
    folder = folder_of(tmp_path, dead)
    folder.rename(folder.with_name(f"{folder.name}-swept{dead.pid}"))
    assert len(sweep(tmp_path)) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["k1n-notes", "k1n-0a1b2c3d", "k1n-0a1b2c3d-1-x-2", "other-0a1b2c3d-1-1-1"])
def test_a_folder_with_another_name_is_left_alone(tmp_path, name):
    (tmp_path / name).mkdir()
    assert sweep(tmp_path) == []


def test_a_link_that_looks_like_a_run_is_not_followed(tmp_path, dead):
    (tmp_path / "precious").mkdir()
    (tmp_path / "-".join(["k1n", "0a1b2c3d", *map(str, dead)])).symlink_to(tmp_path / "precious")
    assert sweep(tmp_path) == []
    assert (tmp_path / "precious").exists()


def test_a_missing_temporary_folder_is_no_error(tmp_path):
    assert sweep(tmp_path / "gone") == []


def test_old_drafts_of_dead_processes_are_removed(tmp_path, dead):
    old, own, fresh, foreign = (
        tmp_path / name
        for name in (f".a.json.{dead.pid}.tmp", f".b.json.{os.getpid()}.tmp", f".c.json.{dead.pid}.tmp", ".d.tmp")
    )
    for path in (old, own, fresh, foreign):
        path.write_text("half")
    for path in (old, own, foreign):
        os.utime(path, (time.time() - 3600,) * 2)
    sweep_drafts(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in (own, fresh, foreign))


def test_what_a_killed_worker_had_given_its_script_is_removed_too(tmp_path):
    """The worker is killed while its script runs: it has no time to remove anything."""
    script = tmp_path / "script.sh"
    script.write_text('#!/bin/sh\nkill -9 "$PPID"\n')
    script.chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from types import SimpleNamespace\n"
        "from pytest_k1n.workers.script import run_script\n"
        "context = SimpleNamespace(input={}, task_id='t', estimate_ms=None, workflow_name='w', ref='r', speed=1.0,\n"
        "                          on_stop=lambda stop: None)\n"
        "run_script(Path(sys.argv[1]), context)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    killed = subprocess.run([sys.executable, "-c", code, script], env=environment, check=False)
    assert killed.returncode == -9
    (left,) = tmp_path.glob("k1n-*")
    assert sweep(tmp_path) == [left]
    assert list(tmp_path.glob("k1n-*")) == []
