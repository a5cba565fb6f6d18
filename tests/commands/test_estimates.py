"""`k1n estimates suggest`: what runs took, and a plan that keeps its comments."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.cli import main
from pytest_k1n.core.units import duration_ms
from pytest_k1n.plan.find import PlanError
from pytest_k1n.plan.read import parse_plan
from pytest_k1n.plan.write import with_estimates
from pytest_k1n.report.learning import as_planned, learned

PLAN = """# our plan
schema = "k1n-plan/1"
definitions = ["workflows"]

[[batch]]  # the first
number = 1
[[batch.template]]
id = "01"
slug = "one"
workflow = "ONE"
band = ["1m", "30m"]   # generous
estimates = { a = "5m", b = "6m" } # learned by heart

[[batch.template]]
id = "02"
slug = "two"
workflow = "TWO"
[batch.template.estimates]
# the slow one
c = "1h"  # really
"""


def run(*works, workflow="ONE", simulated=False):
    """A run's document, as far as this reads it: works are (ref, estimate, took)."""
    tasks = [
        {"ref": ref, "kind": "worker", "estimate_ms": estimate, "is_simulated": simulated,
         "attempts": [{"status": "COMPLETED", "start_ms": 10, "end_ms": 10 + took}]}
        for ref, estimate, took in works
    ]  # fmt: skip
    return {"executions": [{"template": "01", "workflow": {"name": workflow}, "tasks": tasks}]}


def test_the_median_is_suggested_where_it_is_off_by_more_than_noise():
    runs = [run(("a", 300_000, took), ("b", 360_000, 365_000)) for took in (400_000, 390_000, 450_000)]
    assert [(each.ref, each.suggestion) for each in learned(runs)] == [("a", "6.67m"), ("b", None)]


def test_simulated_work_teaches_nothing():
    (found,) = learned([run(("a", 300_000, 900_000), simulated=True)])
    assert (found.median_ms, found.suggestion, found.simulated) == (None, None, 1)


def test_a_plan_keeps_its_comments_and_order():
    wanted = {("ONE", "a"): "6.67m", ("TWO", "c"): "2h", ("TWO", "d"): "3s"}
    changed = with_estimates(PLAN, wanted, source="plan.toml", folder=Path.cwd())
    assert changed == (
        PLAN.replace('a = "5m"', 'a = "6.67m"').replace('c = "1h"  # really', 'c = "2h"  # really\nd = "3s"')
    )
    assert parse_plan(changed, source="plan.toml", folder=Path.cwd()).template_for("ONE").estimates_ms["a"] == 400_200


def test_what_would_be_no_plan_is_not_written():
    with pytest.raises(PlanError):
        with_estimates(PLAN, {("ONE", "a"): "soon"}, source="plan.toml", folder=Path.cwd())


@given(st.integers(1, 10**8))
def test_a_written_duration_reads_as_what_it_was_to_three_digits(ms):
    assert duration_ms(as_planned(ms)) == pytest.approx(ms, rel=0.006)


def test_a_recorded_execution_is_judged_by_its_plan_and_written_into_it(tmp_path, monkeypatch, capsys):
    from pytest_k1n.commands import estimates

    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.toml").write_text(PLAN)
    monkeypatch.setattr(estimates, "read_runs", lambda _: [run(("a", 300_000, 450_000))])
    assert main(["estimates", "suggest", "RUN", "--write"]) == 0
    assert 'suggest "7.5m"' in capsys.readouterr().out
    assert (tmp_path / "plan.toml").read_text() == PLAN.replace('a = "5m"', 'a = "7.5m"')
    assert main(["estimates", "suggest", "RUN", "--json", "--workflow", "ONE"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["suggestion"] == "7.5m"
    assert main(["estimates", "suggest", "RUN", "--workflow", "NONE"]) == 2


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_a_plan_keeps_its_mark_its_line_ends_its_link_and_its_rights(mark, end, tmp_path, monkeypatch):
    from pytest_k1n.commands import estimates

    kept, path = tmp_path / "kept.toml", tmp_path / "plan.toml"
    kept.write_bytes((mark + PLAN.replace("\n", end)).encode())
    kept.chmod(0o640)
    path.symlink_to(kept)
    monkeypatch.setattr(estimates, "read_runs", lambda _: [run(("a", 300_000, 450_000))])
    assert main(["estimates", "suggest", "RUN", "--write", "--plan", str(path)]) == 0
    assert kept.read_bytes().decode() == (mark + PLAN.replace("\n", end)).replace('a = "5m"', 'a = "7.5m"')
    assert path.is_symlink()
    assert kept.stat().st_mode & 0o777 == 0o640
