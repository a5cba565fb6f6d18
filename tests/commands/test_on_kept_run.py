"""`k1n check` and `k1n gates` on what a run has kept: they know its time model, its logs and its workers' ledger."""

import json
import re

import pytest

from pytest_k1n.cli import main


@pytest.fixture
def kept(pytester, monkeypatch):
    """The folder of a run of the example, as --k1n-keep=always leaves it; the caller sits beside the plan."""
    assert main(["init", str(pytester.path)]) == 0
    assert pytester.runpytest_inprocess("--k1n-keep=always").ret == 0
    monkeypatch.chdir(pytester.path)
    (run,) = (pytester.path / "test-results" / "runs").iterdir()
    return run


def execution(kept):
    (path,) = [each for each in (kept / "executions").iterdir() if (kept / "evidence" / each.name).exists()]
    return path


def test_quality_gates_are_those_of_the_run(kept, capsys):
    assert main(["gates", "--json", str(execution(kept))]) == 0
    found = {each["id"]: each for each in json.loads(capsys.readouterr().out)["categories"]}
    (recorded,) = json.loads((kept / "quality" / "1.json").read_text())["executions"].values()
    for category in recorded["categories"]:
        assert (category["id"], category["verdict"]) == (category["id"], found[category["id"]]["verdict"])


def test_what_the_command_line_says_outranks_what_the_run_kept(kept, capsys):
    assert main(["gates", "--time", "real", str(execution(kept))]) == 1
    assert re.search(r"G13 +Timeouts honoured +fail", capsys.readouterr().out)


def test_a_results_file_is_no_execution_and_it_says_where_those_are(kept, capsys):
    assert main(["check", "test-results/template-01-order-results.json"]) == 2
    said = capsys.readouterr().err
    assert "is a k1n-results/1 document, not an execution: those are in runs/RUN/executions" in said
