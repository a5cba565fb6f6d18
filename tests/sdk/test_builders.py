"""What the builders of the official SDKs for Java and Go emit today: linted and run dry, as their users would.

The expected errors are what Conductor 3.32.1 did with each: it refused it, failed it, or never ended it.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_k1n.cli import main
from pytest_k1n.lint.judge import lint
from pytest_k1n.lint.source_file import SourceFile

PROGRAMS = Path(__file__).parent / "builders"
GIVEN = {"a": 1, "b": 2, "kind": "A", "which": "work_one", "v": 1, "x": 3, "tasks": [], "inputs": {}}
ERRORS = {
    "go": {
        "go_fork_inner": {"fork-without-join", "join-on-unknown"},  # it drops the JOIN of a fork in a fork
        "go_start_latest": {"missing-input"},
        "go_switch_empty": {"no-cases"},
        "go_wait_long": {"bad-wait"},  # 500ms is written as 0.5s
    },
    "java": {"java_event": {"missing-field"}, "java_http_bare": {"bad-request"}},
}
NOT_GREEN = {
    "go": {"go_do_while", "go_fork_inner", "go_start_latest", "go_switch_empty", "go_wait_long"},
    "java": {"java_event", "java_http_bare", "java_terminate_bare", "java_while"},
}
"""What does not complete: of made-up outputs neither loop's condition comes true."""

pytestmark = pytest.mark.slow


def emitted_by_go(work, into):
    environment = {**os.environ, "GOFLAGS": "-mod=mod"}
    for words in (["mod", "tidy"], ["run", ".", str(into)]):
        subprocess.run(["go", *words], cwd=work, env=environment, check=True, capture_output=True, timeout=600)


def emitted_by_java(work, into):
    subprocess.run(
        ["mvn", "-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=classpath"],
        cwd=work, check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    path = f"{(work / 'classpath').read_text()}:."
    for words in (["javac", "-proc:none", "-cp", path, "Emit.java"], ["java", "-cp", path, "Emit", str(into)]):
        subprocess.run(words, cwd=work, check=True, capture_output=True, timeout=600)


@pytest.fixture(scope="module", params=["go", "java"])
def emitted(request, tmp_path_factory):
    tool = {"go": "go", "java": "mvn"}[request.param]
    if shutil.which(tool) is None:
        pytest.fail(f"{tool} is not installed: slow tests need it")
    work = tmp_path_factory.mktemp(request.param) / "program"
    shutil.copytree(PROGRAMS / request.param, work)
    into = work.parent / "emitted"
    into.mkdir()
    {"go": emitted_by_go, "java": emitted_by_java}[request.param](work, into)
    return request.param, sorted(into.glob("*.json"))


def test_lint_finds_what_the_server_does_not_take_and_nothing_else(emitted):
    language, files = emitted
    assert len(files) >= 27
    found = lint([SourceFile(file.stem, file.read_text()) for file in files]).findings
    errors = {}
    for each in found:
        if each.level == "error":
            errors.setdefault(each.file, set()).add(each.code)
    assert errors == ERRORS[language]


def test_all_of_it_runs_dry_or_says_why_not(emitted, capsys, monkeypatch):
    language, files = emitted
    monkeypatch.chdir(files[0].parent)
    codes = {file.stem: main(["run", file.name, "--input", json.dumps(GIVEN), "--within", "5s"]) for file in files}
    assert {name for name, code in codes.items() if code} == NOT_GREEN[language]
    assert "Traceback" not in "".join(capsys.readouterr())
