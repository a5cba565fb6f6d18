"""What a run says of itself where nothing can be written any more."""

import errno
import shutil
from dataclasses import replace

import pytest

from pytest_k1n.coordination import runfolder
from pytest_k1n.coordination.runfolder import RunFolder, RunState, replace_text


@pytest.fixture
def full(tmp_path, monkeypatch):
    """The folder of a run whose disk has become full, as its director and as another process see it."""
    director, node = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "run")
    director.publish(RunState(gates={"1": ("open", ""), "2": ("closed", "batch1 runs")}))
    assert node.state().gates["2"][0] == "closed"

    def no_space(target, _text):
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(runfolder, "replace_text", no_space)
    return director, node


def test_what_has_ended_a_run_is_told_to_all_although_no_file_can_be_written(full):
    director, node = full
    with pytest.raises(OSError, match="No space left"):
        director.publish(replace(director.state(), paused=True))
    director.publish(replace(director.state(), server_error="No space left on device"))
    for each in full:
        assert (each.state().server_error, each.state().gates) == ("No space left on device", {})
    assert node.state() == node.state()


def test_it_is_told_in_its_own_process_where_the_folder_is_gone_too(full):
    director, _ = full
    shutil.rmtree(director.path)
    director.publish(replace(director.state(), server_error="x" * 5000))
    assert director.state().server_error == "x" * 5000


def test_a_record_that_is_gone_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="the run's folder in the temporary folder is gone"):
        RunFolder(tmp_path).execution("some-id")


def test_a_link_to_itself_is_an_error_of_the_file_system(tmp_path):
    link = tmp_path / "results.json"
    link.symlink_to(link)
    with pytest.raises(OSError):  # noqa: PT011  # which one: Python's or the system's words
        replace_text(link, "{}")
