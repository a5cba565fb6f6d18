"""Find a Java that can run the server: the option, `JAVA_HOME`, PATH, the folders where systems keep their JDKs."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_k1n.servers.errors import JavaNotFound

OLDEST_JAVA = 21
_ANSWER_WITHIN_S = 15.0
_REMEDY = f"install a JDK {OLDEST_JAVA} or newer, name one with --k1n-java=FOLDER, or use --k1n-server=embedded"
JVM_FOLDERS = (
    "/usr/lib/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/opt/jdk*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "/opt/homebrew/opt/openjdk*",
    "/usr/local/opt/openjdk*",
    "~/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
)
"""Patterns of the folders that hold JDKs on Linux and macOS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Java:
    """A Java that is new enough."""

    path: Path
    major: int
    version: str
    origin: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    origin: str


@dataclass(frozen=True, slots=True)
class _Context:
    option: Path | None
    environ: Mapping[str, str]
    folders: tuple[str, ...]


def find_java(
    option: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folders: tuple[str, ...] = JVM_FOLDERS,
) -> Java:
    """Return the first Java >= 21; `option` is a JDK folder or a `java` binary, and final if given.

    Raises JavaNotFound, which lists every candidate and why it will not do.
    """
    context = _Context(option, os.environ if environ is None else environ, folders)
    checked: list[tuple[str, str]] = []
    seen: set[Path] = set()
    for provide in (_from_option,) if option else (_from_java_home, _from_path, _from_system_folders):
        for candidate in provide(context):
            real = candidate.path.resolve()
            if real in seen:
                continue
            seen.add(real)
            outcome = _judge(candidate)
            if isinstance(outcome, Java):
                return outcome
            checked.append(("checked", f"{candidate.origin}: {outcome}"))
    if not checked:
        checked.append(("checked", "JAVA_HOME, PATH and the system's JVM folders: no Java there at all"))
    raise JavaNotFound(f"Conductor needs Java {OLDEST_JAVA} or newer and found none.", *checked, remedy=_REMEDY)


def _from_option(context: _Context) -> Iterator[_Candidate]:
    assert context.option is not None
    yield _Candidate(_binary(context.option.expanduser()), "--k1n-java")


def _from_java_home(context: _Context) -> Iterator[_Candidate]:
    if home := context.environ.get("JAVA_HOME"):
        yield _Candidate(_binary(Path(home)), "JAVA_HOME")


def _from_path(context: _Context) -> Iterator[_Candidate]:
    for entry in context.environ.get("PATH", "").split(os.pathsep):
        binary = Path(entry or ".") / "java"
        if os.access(binary, os.X_OK):
            yield _Candidate(binary, "PATH")


def _from_system_folders(context: _Context) -> Iterator[_Candidate]:
    """Newest first, by what their `release` files say: nothing needs to be run to sort them."""
    found = [
        home
        for pattern in context.folders
        for home in _expand(pattern, context.environ)
        if os.access(home / "bin/java", os.X_OK)
    ]
    for home in sorted(found, key=_released_major, reverse=True):
        yield _Candidate(home / "bin/java", "JVM folder")


def _expand(pattern: str, environ: Mapping[str, str]) -> list[Path]:
    if pattern.startswith("~"):
        home = environ.get("HOME")
        if not home:
            return []
        pattern = home + pattern[1:]
    fixed, _, rest = pattern.partition("*")
    base = Path(fixed) if fixed.endswith("/") else Path(fixed).parent
    return sorted(base.glob(str(Path(pattern).relative_to(base)))) if rest or "*" in pattern else [Path(pattern)]


def _binary(given: Path) -> Path:
    return given / "bin/java" if given.is_dir() else given


def _released_major(home: Path) -> int:
    try:
        match = re.search(r'^JAVA_VERSION="([^"]+)"', (home / "release").read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        return 0
    return major(match[1]) if match else 0


def major(version: str) -> int:
    """Read the feature release of `25.0.3`, `17`, `21-ea` or the old `1.8.0_392` (8); 0 where there is none."""
    match = re.match(r"(?:1\.)?(\d+)", version)
    return int(match[1]) if match else 0


def _judge(candidate: _Candidate) -> Java | str:
    """Run `java -version`; return the Java, or why this candidate will not do."""
    path = candidate.path
    try:
        answer = subprocess.run(
            [path, "-version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_ANSWER_WITHIN_S,
            check=False,
        )
    except FileNotFoundError:
        return f"{path} does not exist"
    except OSError as error:
        return f"{path} cannot be run ({error.strerror or error})"
    except subprocess.TimeoutExpired:
        return f"{path} did not answer -version within {_ANSWER_WITHIN_S:.0f}s"
    text = answer.stdout.decode("utf-8", "replace")
    match = re.search(r'version "([^"]+)"', text)
    if answer.returncode != 0 or not match:
        first = next((line for line in text.splitlines() if line.strip()), "it printed nothing")
        return f"{path} is no working Java ({first.strip()[:120]})"
    version = match[1]
    if major(version) < OLDEST_JAVA:
        return f"{path} is Java {major(version)} ({version})"
    return Java(path=path, major=major(version), version=version, origin=candidate.origin)
