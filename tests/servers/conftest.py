"""Fake executables: a `java` that runs `fake_conductor.py`, and whatever script a test wants on PATH."""

from __future__ import annotations

import stat
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_k1n.servers import postgres

HERE = Path(__file__).parent
WITHIN_S = 60.0
INITDB = """
for word; do
  case $before in -D) data=$word ;; esac
  case $word in --pwfile=*) secret=${word#--pwfile=} ;; esac
  before=$word
done
mkdir -m 700 "$data"
cp "$secret" "$data/given"
"""
POSTGRES = """
for word; do
  case $before in -D) data=$word ;; esac
  before=$word
done
printf '%s\\n' $$ "$data" 0 "$*" '' 127.0.0.1 0 'ready   ' > "$data/postmaster.pid"
exec sleep 600
"""


@pytest.fixture
def executable(tmp_path: Path) -> Callable[..., Path]:
    """Write an executable shell script: `executable("mvn", "exit 1")`."""

    def write(name: str, script: str, *, folder: str = "bin") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return write


@pytest.fixture
def fake_java(executable: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Java 25 whose only program is the fake server."""
    state = tmp_path / "fake-state"
    state.mkdir()
    monkeypatch.setenv("FAKE_STATE", str(state))
    return executable(
        "java",
        'if [ "$1" = -version ]; then echo \'openjdk version "25.0.1" 2026-01-01\' >&2; exit 0; fi\n'
        f'exec "{sys.executable}" -I -S "{HERE / "fake_conductor.py"}" "$@"',
        folder="jdk/bin",
    )


@pytest.fixture
def boot_jar() -> Callable[..., Path]:
    """Write a small zip whose manifest says that it is a Conductor server."""

    def write(path: Path, *, title: str = "conductor-server", version: str = "3.32.1") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(
                "META-INF/MANIFEST.MF",
                f"Manifest-Version: 1.0\r\nImplementation-Title: {title}\r\nImplementation-Version: {version}\r\n",
            )
        return path

    return write


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder; nothing of the user's is read or written."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "JAVA_HOME", "CONDUCTOR_SERVER_URL", "K1N_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    return folder


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Wait until a condition holds; the minute it may take is for a drowning machine."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true within a minute"
            time.sleep(0.02)

    return wait


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A folder that every user can reach: where the tests run as root, PostgreSQL runs as another one."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.fixture
def postgres_programs(open_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for `initdb` and `postgres`."""
    folder = open_root / "bin"
    folder.mkdir()
    folder.chmod(0o777)
    for name, script in (("initdb", INITDB), ("postgres", POSTGRES)):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setattr(postgres, "binaries", lambda: folder)
    return folder
