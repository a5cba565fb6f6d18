"""Files that are written whole or not at all, and what is no file."""

import os
import threading

import pytest

from pytest_k1n.coordination.runfolder import replace_text


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    replace_text(pipe, "a report")
    reader.join(10)
    assert read == ["a report"]
    assert pipe.is_fifo()


def test_a_link_to_a_device_or_a_file_stays_one(tmp_path):
    (tmp_path / "file").write_text("old")
    for name, aim in (("nowhere", "/dev/null"), ("there", tmp_path / "file"), ("new", tmp_path / "not_yet")):
        link = tmp_path / name
        link.symlink_to(aim)
        replace_text(link, "new")
        assert link.is_symlink()
    assert (tmp_path / "file").read_text() == (tmp_path / "not_yet").read_text() == "new"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "new", "not_yet", "nowhere", "there"]


def test_a_folder_is_no_target(tmp_path):
    with pytest.raises(IsADirectoryError):
        replace_text(tmp_path, "x")
    assert list(tmp_path.iterdir()) == []
