"""Memory between runs: a history is kept, accepted, compared with, and a regression is told in every place."""

import json
import re

import pytest

from pytest_k1n.cli import main
from pytest_k1n.core.baselines.series import SeriesKey
from pytest_k1n.history.store import Group, History

SLOW = "--k1n-fault=FIRST/one:slow=1.3"
HISTORY = "--k1n-history=h.sqlite"


@pytest.fixture
def remembering(gated_project, monkeypatch):
    """A project whose first run is the accepted baseline."""
    monkeypatch.chdir(gated_project.pytester.path)
    assert gated_project.run("-m", "batch1", HISTORY).code == 0
    assert main(["baseline", "accept", "--last", "1", "--history", "h.sqlite"]) == 0
    return gated_project


def gate(project, name="G17"):
    document = json.loads((project.pytester.path / "test-results" / "run.json").read_text())
    (batch,) = [each for each in document["batches"] if each["quality"]]
    return next(each for each in batch["quality"]["categories"] if each["id"] == name), document


def test_without_a_history_nothing_compares_and_the_gate_says_what_to_type(gated_project):
    gated_project.run("-m", "batch1")
    category, document = gate(gated_project)
    assert (category["verdict"], "baseline" in document) == ("insufficient-baseline", False)
    assert "--k1n-history=FILE" in category["note"]


def test_the_first_run_is_remembered_and_says_how_it_becomes_a_baseline(gated_project):
    outcome = gated_project.run("-m", "batch1", HISTORY)
    assert re.search(r"regress  FIRST not judged: there is no baseline: k1n baseline accept", outcome.text)
    with History(gated_project.pytester.path / "h.sqlite") as history:
        assert [(each.group.workflow, each.verdict) for each in history.executions()] == [("FIRST", "pass")]


def test_the_same_again_in_virtual_time_is_exactly_the_same(remembering):
    outcome = remembering.run("-m", "batch1", HISTORY)
    assert "regress  FIRST no regression (baseline of 1, virtual time: exact)" in outcome.text
    assert gate(remembering)[0]["verdict"] == "pass"


def test_a_regression_warns_or_fails_as_asked_and_is_told_everywhere(remembering):
    outcome = remembering.run("-m", "batch1", HISTORY, SLOW, "--k1n-html=r.html", "--k1n-report=r.md")
    category, document = gate(remembering)
    assert (outcome.code, category["verdict"], category["blocking"]) == (0, "fail", False)
    assert "regress  FIRST REGRESSION one +30%" in outcome.text
    assert ("regression", "one") in [(each["code"], each["subject"]) for each in document["findings"]]
    for name in ("r.html", "r.md"):
        assert "FIRST REGRESSION one +30%" in (remembering.pytester.path / name).read_text()
    assert remembering.run("-m", "batch1", HISTORY, SLOW, "--k1n-regression=fail").code == 1


def test_a_renamed_task_is_named_and_nothing_is_compared(remembering):
    path = remembering.pytester.path / "workflows" / "FIRST.json"
    path.write_text(path.read_text().replace('"taskReferenceName": "one"', '"taskReferenceName": "uno"'))
    plan = remembering.pytester.path / "k1n.toml"
    plan.write_text(plan.read_text().replace("{ one =", "{ uno ="))
    outcome = remembering.run("-m", "batch1", HISTORY)
    assert "one is now called uno" in outcome.text
    category, document = gate(remembering)
    assert category["verdict"] == "insufficient-baseline"
    assert [each["code"] for each in document["findings"]] == ["baseline-stale"]


def test_under_xdist_the_history_is_written_and_compared_with_as_well(remembering):
    outcome = remembering.spawn("-m", "batch1", HISTORY, SLOW, "-n2")
    assert "regress  FIRST REGRESSION one +30%" in outcome.text


def test_a_suspicion_in_scaled_time_is_run_four_times_more(gated_project):
    """At 600 the task takes 0.6 s: five runs of it, one after the other."""
    scaled = ("-m", "batch1", HISTORY, "--k1n-time=scaled", "--k1n-speed=1800")
    path = gated_project.pytester.path / "h.sqlite"
    assert gated_project.run(*scaled).code == 0
    with History(path) as history:
        (first,) = history.executions()
        (sample,) = history.samples(first.group, last=1)
        for number, factor in enumerate((0.99, 1.0, 1.01, 1.005)):
            durations = {key: round(ms * factor) for key, ms in sample.durations.items()}
            history.add([_copy(sample, f"copy{number}", durations)])
        history.accept([each for each in history.executions() if each.run.startswith("copy")], now_ms=first.started_ms)
    outcome = gated_project.run(*scaled, "--k1n-fault=FIRST/one:slow=1.5")
    assert re.search(r"batch1: .* of FIRST is \+\d+% against its baseline: run 4 times more to make sure", outcome.text)
    assert re.search(r"regress  FIRST REGRESSION one \+(4|5)\d%", outcome.text)
    with History(path) as history:
        assert len(history.samples(Group(*first.group), last=50)) == 1 + 4 + 5


def _copy(sample, run, durations):
    from dataclasses import replace

    return replace(sample, run_uid=run, durations=durations)


def test_a_history_that_cannot_be_used_fails_the_run_in_one_line(project):
    project.file("h.sqlite", "not a database\n" * 100)
    outcome = project.run(HISTORY)
    assert outcome.code == 1
    assert "h.sqlite: cannot be used as a history" in outcome.text
    assert "Traceback" not in outcome.text


def test_the_commands_show_accept_drop_and_merge(remembering, capsys, monkeypatch):
    monkeypatch.setenv("K1N_HISTORY", "h.sqlite")
    remembering.run("-m", "batch1", HISTORY, SLOW)
    capsys.readouterr()
    assert main(["history", "--workflow", "FIRST"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"FIRST  2 executions, baseline 6\.0 min of 1; last run", text)
    assert re.search(r"one exec +\S\S  last 7\.\d min", text)
    assert main(["history", "--json"]) == 0
    assert [each["is_accepted"] for each in json.loads(capsys.readouterr().out)[0]["executions"]] == [True, False]
    assert main(["baseline", "merge", "h.sqlite", "--history", "other.sqlite"]) == 0
    assert capsys.readouterr().out == "h.sqlite: 2 executions new, 0 more accepted\n"
    with History(remembering.pytester.path / "h.sqlite") as history:
        uid = history.executions()[0].run
    assert main(["baseline", "drop", uid]) == 0
    assert main(["baseline", "list"]) == 0
    assert "nothing is accepted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["baseline", "accept"], "name runs, or say --last N"),
        (["baseline", "accept", "ffff"], "no run ffff in the history; the last ones are "),
        (["history", "--workflow", "NONE"], "no execution of NONE in the history; it has FIRST"),
        (["history", "--history", "none.sqlite"], "there is no history"),
    ],
)
def test_a_users_mistake_is_one_line(remembering, capsys, monkeypatch, words, said):
    monkeypatch.setenv("K1N_HISTORY", "h.sqlite")
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_a_number_of_runs_is_above_0(remembering, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["baseline", "accept", "--last", "0"])
    assert (ended.value.code, "'0' is not a whole number above 0" in capsys.readouterr().err) == (2, True)


def test_a_series_key_reads_as_people_say_it():
    assert [str(SeriesKey("one", "exec")), str(SeriesKey("", "makespan"))] == ["one exec", "makespan"]
