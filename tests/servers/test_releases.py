"""Which Conductor is started: what each release needs, and what is said of a version that cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_k1n.servers.jar import command
from pytest_k1n.servers.java import Java
from pytest_k1n.servers.maven import copy_command
from pytest_k1n.servers.process import Site
from pytest_k1n.servers.releases import KNOWN, OLDER, PINNED, Release, UnknownRelease, release


@pytest.mark.parametrize(
    ("version", "group"),
    [(PINNED, "org.conductoross"), (OLDER, "com.netflix.conductor"), ("3.33.0-rc.2", "org.conductoross")],
)
def test_a_release_is_fetched_by_its_own_coordinates(version, group):
    assert f"-Dartifact={group}:conductor-server:{version}:jar:boot" in copy_command(version, "DIR")


@pytest.mark.parametrize("version", ["3.9", "3.21.23", "latest", "3.14.0", "", "3.32.1\nx", "../3.32.1", "4"])
def test_what_cannot_be_started_is_told_in_a_line_with_what_can(version):
    with pytest.raises(
        UnknownRelease, match=r"^--k1n-conductor: .* use 3\.32\.1 .*, 3\.15\.0 .* from 3\.22 on$"
    ) as told:
        release(version, source="--k1n-conductor")
    assert len(str(told.value).splitlines()) == 1


def arguments(tmp_path: Path, known: Release) -> list[str]:
    java = Java(path=Path("java"), major=25, version="25.0.1", origin="test")
    return command(Site(folder=tmp_path, run_uid="r1"), 8080, jar=Path("x.jar"), java=java, release=known)


def test_the_older_one_keeps_everything_in_memory_and_takes_its_lock(tmp_path):
    older, pinned = arguments(tmp_path, KNOWN[OLDER]), arguments(tmp_path, KNOWN[PINNED])
    assert "--conductor.db.type=memory" in older
    assert "--conductor.app.workflowExecutionLockEnabled=true" in older
    assert not any("sqlite:" in word for word in older)
    assert "--conductor.db.type=sqlite" in pinned
    assert any(word.startswith("--spring.datasource.url=jdbc:sqlite:") for word in pinned)
