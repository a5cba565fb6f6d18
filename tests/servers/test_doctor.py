"""The doctor examines every point, says what to do, and exits 1 if anything fails."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_k1n.commands import doctor
from pytest_k1n.commands.checklist import Check, CheckOutcome, Examined, checks
from pytest_k1n.commands.inifile import ini_rows
from pytest_k1n.servers.protocol import ServerSpec, parse_server

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def project(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, with nothing on PATH but a test's own scripts."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for variable in [name for name in os.environ if name.startswith("K1N_")]:
        monkeypatch.delenv(variable)
    return folder


def point(name: str, **subject: object) -> Check:
    given = {"spec": parse_server("embedded"), "folder": Path.cwd(), "results": Path.cwd() / "results", **subject}
    return next(each for each in checks(Examined(**given)) if each.name == name)  # type: ignore[arg-type]


def test_a_run_on_the_embedded_engine_needs_next_to_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["--server", "embedded"]) == 0
    out = capsys.readouterr().out
    assert "not needed  container engine" in out
    assert "not needed  server healthy" in out
    assert "fail" not in out


def test_a_failing_point_makes_exit_code_1_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["--server", "http://127.0.0.1:1", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is False
    failed = [each for each in document["checks"] if each["outcome"] == "fail"]
    assert [each["name"] for each in failed] == ["server healthy"]
    assert "connection refused" in failed[0]["detail"]
    assert failed[0]["remedy"]


def test_an_exported_foreign_url_fails_instead_of_being_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONDUCTOR_SERVER_URL", "http://conductor.example.com/api")
    assert doctor.main([]) == 1
    assert "not on this machine" in capsys.readouterr().out


def test_the_settings_come_from_the_strongest_place(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pytest.toml").write_text(
        '[pytest]\nk1n_server = "jar"\nk1n_results = "from-ini"\nk1n_containers = ["a"]\n'
    )
    assert ini_rows(project)["k1n_server"] == "jar"
    found = doctor.subject_of(arguments(), {}, project)
    assert found.spec is not None
    assert (found.spec.kind, found.spec.source, found.containers) == ("jar", "ini k1n_server", ("a",))
    assert found.results == project / "from-ini"
    found = doctor.subject_of(arguments(), {"K1N_SERVER": "docker", "K1N_RESULTS": "from-env"}, project)
    assert found.spec is not None
    assert (found.spec.kind, found.results) == ("docker", project / "from-env")
    found = doctor.subject_of(arguments(server="auto"), {"K1N_SERVER": "docker"}, project)
    assert found.spec is not None
    assert found.spec.kind == "auto"


def arguments(**given: object) -> object:
    import argparse

    blank = dict.fromkeys(("server", "jar", "java", "image", "container_cli", "results", "task_definitions"))
    return argparse.Namespace(**{**blank, "json": False, **given})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.toml", '[pytest]\nk1n_mcp = "bridge"'),
        ("pyproject.toml", '[tool.pytest]\nk1n_mcp = "bridge"'),
        ("pyproject.toml", '[tool.pytest.ini_options]\nk1n_mcp = "bridge"'),
        ("pytest.ini", "[pytest]\nk1n_mcp = bridge"),
        ("setup.cfg", "[tool:pytest]\nk1n_mcp = bridge"),
    ],
    ids=["native", "project", "ini_options", "ini", "cfg"],
)
def test_every_configuration_file_of_pytest_is_read(project: Path, name: str, text: str) -> None:
    (project / name).write_text(text + "\n")
    below = project / "a/b"
    below.mkdir(parents=True)
    assert ini_rows(below) == {"k1n_mcp": "bridge"}


def test_a_malformed_configuration_file_is_named(project: Path) -> None:
    (project / "pytest.toml").write_text("[pytest\n")
    with pytest.raises(ValueError, match=r"pytest\.toml: "):
        ini_rows(project)


def test_a_dead_container_engine_fails_only_where_it_is_needed(executable: Write) -> None:
    executable("docker", "echo Cannot connect to the Docker daemon >&2; exit 1")
    assert point("container engine", spec=parse_server("docker")).outcome is CheckOutcome.FAIL
    assert "Cannot connect" in point("container engine", spec=parse_server("docker")).detail
    assert point("container engine", spec=parse_server("auto")).outcome is CheckOutcome.NOT_NEEDED
    assert point("container engine", spec=parse_server("jar")).outcome is CheckOutcome.NOT_NEEDED


def test_expected_containers_that_do_not_run_are_named(executable: Write) -> None:
    executable(
        "docker",
        'if [ "$1" = ps ]; then echo redis; else echo \'{"Client":{"Version":"1"},"Server":{"Version":"28"}}\'; fi',
    )
    spec = parse_server("docker")
    missing = point("containers", spec=spec, containers=("redis", "conductor"))
    assert (missing.outcome, missing.detail) == (CheckOutcome.FAIL, "not running: conductor")
    assert point("containers", spec=spec, containers=("redis",)).outcome is CheckOutcome.PASS
    assert point("containers", spec=spec).outcome is CheckOutcome.NOT_NEEDED


def test_java_and_jar_are_examined_without_fetching(fake_java: Path, boot_jar: Write, tmp_path: Path) -> None:
    jar = boot_jar(tmp_path / "server.jar")
    spec = ServerSpec(kind=parse_server("jar").kind, java_path=fake_java, jar_path=jar)
    assert point("Java", spec=spec).outcome is CheckOutcome.PASS
    assert point("boot jar", spec=spec).outcome is CheckOutcome.PASS
    missing = ServerSpec(kind=spec.kind, java_path=tmp_path / "no-java", jar_path=tmp_path / "no.jar")
    assert "does not exist" in point("Java", spec=missing).detail
    assert point("boot jar", spec=missing).outcome is CheckOutcome.FAIL


def test_a_jar_that_maven_can_fetch_is_no_failure(executable: Write) -> None:
    assert point("boot jar", spec=parse_server("jar")).outcome is CheckOutcome.FAIL
    executable("mvn", "exit 99")
    assert point("boot jar", spec=parse_server("jar")).outcome is CheckOutcome.PASS


def test_task_definitions_are_counted(project: Path) -> None:
    tasks = project / "tasks"
    tasks.mkdir()
    assert point("task definitions", task_definitions=(tasks,)).outcome is CheckOutcome.NOT_NEEDED
    for n in range(3):
        (tasks / f"{n}.json").write_text(json.dumps({"name": f"task_{n}"}))
    assert point("task definitions", task_definitions=(tasks,)).detail.startswith("3 in ")
    (tasks / "bad.json").write_text("{")
    assert "bad.json is no task definition" in point("task definitions", task_definitions=(tasks,)).detail


def test_the_bridge_is_looked_up(executable: Write) -> None:
    assert point("MCP bridge").outcome is CheckOutcome.NOT_NEEDED
    assert point("MCP bridge", bridge="conductor-mcp --config x").detail == "conductor-mcp is not on PATH"
    executable("conductor-mcp", "exit 0")
    assert point("MCP bridge", bridge="conductor-mcp --config x").outcome is CheckOutcome.PASS
    assert point("MCP bridge", bridge="'unbalanced").outcome is CheckOutcome.FAIL


def test_scripts_have_to_be_executable(project: Path) -> None:
    script = project / "tests/validate.sh"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o644)
    found = point("scripts")
    assert (found.outcome, found.remedy) == (CheckOutcome.FAIL, "chmod +x tests/validate.sh")
    script.chmod(0o755)
    assert point("scripts").outcome is CheckOutcome.PASS


def test_a_results_folder_that_cannot_be_made_fails(project: Path) -> None:
    assert point("results folder", results=project / "a/b").detail.endswith("(will be made)")
    assert not (project / "a").exists()
    (project / "file").write_text("")
    assert point("results folder", results=project / "file/results").outcome is CheckOutcome.FAIL


def test_no_folder_is_made_up_where_no_plan_says_where_task_definitions_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    doctor.main(["--server", "embedded"])
    assert "task definitions     no plan says where they are (or --task-definitions DIR)" in capsys.readouterr().out
