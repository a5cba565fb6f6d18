"""Java is found wherever systems keep it, and every refused candidate is listed with its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_k1n.servers.errors import JavaNotFound
from pytest_k1n.servers.java import find_java, major

Write = Callable[..., Path]


def says(version: str) -> str:
    return f"echo 'openjdk version \"{version}\" 2026-01-01' >&2"


def test_java_home_comes_before_path(executable: Write, tmp_path: Path) -> None:
    executable("java", says("25.0.1"), folder="home/bin")
    on_path = executable("java", says("21.0.4"), folder="path")
    found = find_java(environ={"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)}, folders=())
    assert (found.major, found.origin) == (25, "JAVA_HOME")


def test_a_java_that_is_too_old_is_passed_over(executable: Write, tmp_path: Path) -> None:
    old = executable("java", says("17.0.15"), folder="old")
    executable("java", says("21.0.4"), folder="jvm/jdk-21/bin")
    found = find_java(environ={"PATH": str(old.parent)}, folders=(f"{tmp_path}/jvm/*",))
    assert (found.major, found.origin) == (21, "JVM folder")


def test_the_newest_of_the_jvm_folders_is_taken(executable: Write, tmp_path: Path) -> None:
    for version in ("21.0.4", "25.0.3", "17.0.1"):
        executable("java", says(version), folder=f"jvm/jdk-{version}/bin")
        (tmp_path / f"jvm/jdk-{version}/release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}"\n')
    assert find_java(environ={}, folders=(f"{tmp_path}/jvm/*",)).version == "25.0.3"


def test_macos_and_home_folders_are_searched(executable: Write, tmp_path: Path) -> None:
    executable("java", says("25.0.3"), folder="JavaVirtualMachines/temurin.jdk/Contents/Home/bin")
    pattern = "~/JavaVirtualMachines/*/Contents/Home"
    assert find_java(environ={"HOME": str(tmp_path)}, folders=(pattern,)).major == 25
    with pytest.raises(JavaNotFound):
        find_java(environ={}, folders=(pattern,))


def test_every_candidate_is_listed_with_the_reason_against_it(executable: Write, tmp_path: Path) -> None:
    old = executable("java", says("17.0.15"), folder="old")
    broken = executable("java", "echo Unable to locate a Java Runtime.; exit 1", folder="stub")
    eight = executable("java", says("1.8.0_392"), folder="jvm/jdk8/bin")
    path = f"{old.parent}:{broken.parent}"
    with pytest.raises(JavaNotFound) as caught:
        find_java(environ={"JAVA_HOME": str(tmp_path / "gone"), "PATH": path}, folders=(f"{tmp_path}/jvm/*",))
    text = str(caught.value)
    assert f"JAVA_HOME: {tmp_path}/gone does not exist" in text
    assert f"PATH: {old} is Java 17 (17.0.15)" in text
    assert f"PATH: {broken} is no working Java (Unable to locate a Java Runtime.)" in text
    assert f"JVM folder: {eight} is Java 8 (1.8.0_392)" in text
    assert "--k1n-java" in text.splitlines()[-1]


def test_a_named_java_is_final(executable: Write, tmp_path: Path) -> None:
    executable("java", says("25.0.1"), folder="home/bin")
    old = executable("java", says("17.0.15"), folder="old/bin")
    environ = {"JAVA_HOME": str(tmp_path / "home")}
    for named in (old, old.parents[1]):
        with pytest.raises(JavaNotFound, match=r"--k1n-java: .*is Java 17"):
            find_java(named, environ=environ, folders=())
    assert find_java(tmp_path / "home", environ={}, folders=()).major == 25


def test_the_same_java_is_asked_once(executable: Write, tmp_path: Path) -> None:
    count = tmp_path / "count"
    old = executable("java", f"echo x >> {count}; {says('17.0.15')}", folder="old")
    with pytest.raises(JavaNotFound):
        find_java(environ={"PATH": f"{old.parent}:{old.parent}"}, folders=())
    assert count.read_text() == "x\n"


def test_a_machine_without_any_java_is_told_where_was_looked() -> None:
    with pytest.raises(JavaNotFound, match="JAVA_HOME, PATH and the system's JVM folders"):
        find_java(environ={}, folders=())


@pytest.mark.parametrize(
    ("text", "number"), [("25.0.3", 25), ("21-ea", 21), ("1.8.0_392", 8), ("17", 17), ("unknown", 0)], ids=str
)
def test_major_versions_are_read(text: str, number: int) -> None:
    assert major(text) == number
