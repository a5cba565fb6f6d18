"""The boot jar comes from the option, the cache, the home folder or Maven, whole or not at all."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from k1n_support.processes import is_alive
from pytest_k1n.servers import bootjar
from pytest_k1n.servers.bootjar import find_jar
from pytest_k1n.servers.cache import is_intact, record_checksum, sha256_of
from pytest_k1n.servers.errors import JarDamaged, JarNotFound

Write = Callable[..., Path]
VERSION = "3.32.1"
NAME = f"conductor-server-{VERSION}-boot.jar"


def quiet(_text: str) -> None: ...


@pytest.fixture(autouse=True)
def no_known_checksums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootjar, "KNOWN_SHA256", {})


@pytest.fixture
def maven(executable: Write, boot_jar: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Maven that copies a small jar, and counts its calls; `MVN_WAIT` makes it slow."""
    original = boot_jar(tmp_path / "repository" / NAME)
    calls = tmp_path / "mvn-calls"
    executable(
        "mvn",
        f'echo "$$ $*" >> {calls}\n'
        'for word in "$@"; do case "$word" in -DoutputDirectory=*) to="${word#*=}";; esac; done\n'
        f'echo half > "$to/{NAME}"; sleep "${{MVN_WAIT:-0}}"; cp {original} "$to/"',
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return calls


def cached(home: Path) -> Path:
    return home / ".cache/pytest-k1n" / VERSION / NAME


def residue(home: Path) -> list[str]:
    return sorted(
        path.name for path in cached(home).parent.iterdir() if path.name not in (NAME, f"{NAME}.sha256", ".lock")
    )


def test_maven_fills_the_cache_once(home: Path, maven: Path) -> None:
    first, second = find_jar(report=quiet), find_jar(report=quiet)
    assert (first.origin, second.origin) == ("Maven", "cache")
    assert first.path == second.path == cached(home)
    assert len(maven.read_text().splitlines()) == 1
    assert f"dependency:copy -Dartifact=org.conductoross:conductor-server:{VERSION}:jar:boot" in maven.read_text()
    assert residue(home) == []


def test_the_recorded_checksum_is_one_that_sha256sum_accepts(home: Path, maven: Path) -> None:
    jar = find_jar(report=quiet)
    subprocess.run(["sha256sum", "--check", "--status", f"{NAME}.sha256"], cwd=jar.path.parent, check=True)


def test_a_damaged_jar_in_the_cache_is_fetched_anew(home: Path, maven: Path) -> None:
    good = sha256_of(find_jar(report=quiet).path)
    cached(home).write_bytes(b"garbage")
    said: list[str] = []
    assert find_jar(report=said.append).origin == "Maven"
    assert sha256_of(cached(home)) == good
    assert "does not have its recorded sha256" in said[0]


def test_an_unchanged_file_is_not_read_again(home: Path, maven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_jar(report=quiet)

    def never(_path: Path) -> str:
        raise AssertionError("the whole file was read")

    monkeypatch.setattr("pytest_k1n.servers.cache.sha256_of", never)
    assert find_jar(report=quiet).origin == "cache"


def test_a_touched_file_is_read_once_more_and_then_trusted(tmp_path: Path, boot_jar: Write) -> None:
    jar = boot_jar(tmp_path / "x.jar")
    record_checksum(jar, sha256_of(jar))
    before = jar.with_name("x.jar.sha256").read_text()
    os.utime(jar, ns=(1, 1))
    assert is_intact(jar)
    assert jar.with_name("x.jar.sha256").read_text() != before
    assert is_intact(jar)


def test_two_runs_that_fetch_at_once_call_maven_once(home: Path, maven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MVN_WAIT", "0.5")
    code = "from pytest_k1n.servers.bootjar import *; KNOWN_SHA256.clear(); print(find_jar(report=print).origin)"
    runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    origins = sorted(run.communicate(timeout=60)[0].splitlines()[-1] for run in runs)
    assert origins == ["Maven", "cache", "cache"]
    assert len(maven.read_text().splitlines()) == 1
    assert residue(home) == []


def test_threads_of_one_process_share_a_fetch_as_well(home: Path, maven: Path) -> None:
    origins: list[str] = []
    threads = [threading.Thread(target=lambda: origins.append(find_jar(report=quiet).origin)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(origins) == ["Maven", "cache", "cache"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_fetch_leaves_nothing_half_written(
    number: signal.Signals,
    home: Path,
    maven: Path,
    monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    monkeypatch.setenv("MVN_WAIT", "600")
    code = "from pytest_k1n.servers.bootjar import *; find_jar(report=print)"
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: maven.exists() and maven.read_text())
    run.send_signal(number)
    run.wait(60)
    pid = int(maven.read_text().split()[0])
    eventually(lambda: not is_alive(pid) and residue(home) == [])
    assert not cached(home).exists()


def test_a_machine_without_maven_is_told_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(JarNotFound) as caught:
        find_jar(report=quiet)
    text = str(caught.value)
    assert "no `mvn` (Maven) on PATH" in text
    assert f"cache: {cached(home)} is not there" in text
    assert "--k1n-jar=FILE" in text.splitlines()[-1]


def test_an_offline_machine_is_recognised(
    home: Path, executable: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executable("mvn", "echo '[ERROR] Could not transfer artifact x from/to central: Unknown host'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(JarNotFound) as caught:
        find_jar(report=quiet)
    assert "is this machine offline?" in str(caught.value)
    assert "Could not transfer artifact" in str(caught.value)
    assert residue(home) == []


def test_a_fetched_jar_that_is_not_the_released_one_is_refused(
    home: Path, maven: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootjar, "KNOWN_SHA256", {VERSION: "0" * 64})
    with pytest.raises(JarDamaged, match="is not the released"):
        find_jar(report=quiet)
    assert not cached(home).exists()
    assert residue(home) == []


def test_a_cache_that_cannot_be_written_is_named(home: Path, maven: Path) -> None:
    (home / ".cache").write_text("a file where a folder should be")
    with pytest.raises(JarNotFound, match=re.escape(str(home / ".cache"))):
        find_jar(report=quiet)


def test_a_jar_put_into_the_cache_by_hand_is_used(home: Path, boot_jar: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    boot_jar(cached(home))
    assert find_jar(report=quiet).origin == "cache"
    assert is_intact(cached(home))


def test_the_jar_of_the_conductor_command_is_used(home: Path, boot_jar: Write) -> None:
    boot_jar(home / ".conductor/conductor-server.jar", version="3.31.2")
    said: list[str] = []
    found = find_jar(report=said.append)
    assert (found.origin, found.version) == ("~/.conductor", "3.31.2")
    assert "which is 3.31.2, not 3.32.1" in said[0]


def test_a_named_jar_is_final(home: Path, tmp_path: Path, boot_jar: Write, maven: Path) -> None:
    assert find_jar(boot_jar(tmp_path / "mine.jar"), report=quiet).origin == "--k1n-jar"
    with pytest.raises(JarNotFound, match=r"--k1n-jar: .*gone\.jar is not a file"):
        find_jar(tmp_path / "gone.jar", report=quiet)
    assert not maven.exists()


def test_what_is_no_conductor_is_refused(tmp_path: Path, boot_jar: Write) -> None:
    (tmp_path / "text.jar").write_text("not a zip")
    with pytest.raises(JarDamaged, match="is not a whole jar file"):
        find_jar(tmp_path / "text.jar", report=quiet)
    with pytest.raises(JarDamaged, match="not of a Conductor server"):
        find_jar(boot_jar(tmp_path / "other.jar", title="petclinic"), report=quiet)
    with pytest.raises(JarDamaged, match=r"is Conductor 3\.21\.23, which is too old"):
        find_jar(boot_jar(tmp_path / "old.jar", version="3.21.23"), report=quiet)


def test_a_truncated_jar_is_refused(tmp_path: Path, boot_jar: Write) -> None:
    jar = boot_jar(tmp_path / "x.jar")
    jar.write_bytes(jar.read_bytes()[:-30])
    with pytest.raises(JarDamaged, match="is not a whole jar file"):
        find_jar(jar, report=quiet)


def test_a_release_that_is_asked_for_by_name_is_no_other(
    home: Path, boot_jar: Write, executable: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    boot_jar(home / ".conductor/conductor-server.jar", version="3.32.1")
    executable("mvn", "echo '[ERROR] '; echo '[ERROR] Could not find artifact x:jar:boot:3.15.0 in central'; exit 1")
    with pytest.raises(JarNotFound) as caught:
        find_jar(version="3.15.0", report=quiet)
    text = str(caught.value)
    assert text.splitlines()[0] == (
        "There is no Conductor server 3.15.0 in the Maven repository "
        "(com.netflix.conductor:conductor-server:3.15.0:jar:boot)."
    )
    assert "Could not find artifact x:jar:boot:3.15.0" in text
    assert "conductor-server.jar is 3.32.1" in text
