"""Batches, gates and our own outcomes, on the embedded engine."""

import json

import pytest

FAIL_FIRST = "--k1n-fault=FIRST/one:terminal=disk full"


def test_every_batch_runs_and_the_run_exits_0(project):
    outcome = project.run()
    assert outcome.counts == {"passed": 3}
    assert outcome.code == 0


def test_a_failed_batch_blocks_the_next(project):
    outcome = project.run(FAIL_FIRST)
    assert outcome.counts == {"failed": 1, "blocked": 2}
    assert outcome.code == 1
    assert "CHAIN" in outcome.text
    assert outcome.results("template-02-chain-results.json")["verdict"] == "blocked"
    assert outcome.results("template-02-chain-results.json")["workflow"]["workflow_id"] is None


def test_a_blocked_test_says_what_blocks_it(project):
    outcome = project.run(FAIL_FIRST, "-rs", "-v")
    assert outcome.verbose["test_second_chain.py::test_chain"] == "BLOCKED"
    assert "batch1 has not passed: test_first.py::test_first failed" in outcome.text


def test_only_selected_batches_count(project):
    outcome = project.run(FAIL_FIRST, "-m", "batch2")
    assert outcome.counts == {"passed": 2, "deselected": 1}
    assert outcome.code == 0


def test_an_alias_selects_its_batch(project):
    project.test("second_chain", (project.pytester.path / "test_second_chain.py").read_text().replace("batch2", "wide"))
    outcome = project.run("-m", "wide")
    assert outcome.counts == {"passed": 2, "deselected": 1}


def test_gate_off_lets_a_batch_run_after_a_failure(project):
    outcome = project.run(FAIL_FIRST, "--k1n-gate=off")
    assert outcome.counts == {"failed": 1, "passed": 2}


def test_gate_warn_runs_and_says_so(project):
    outcome = project.run(FAIL_FIRST, "--k1n-gate=warn")
    assert outcome.counts == {"failed": 1, "passed": 2}
    assert "batch2 runs although batch1 has not passed" in outcome.text


def test_gate_require_wants_a_recorded_pass(project):
    del project.options[-2:]
    refused = project.run("-m", "batch2", "--k1n-gate=require")
    assert refused.counts == {"blocked": 2, "deselected": 1}
    assert (
        "no pass of the whole batch is on record (with a test skipped it is none); run pytest -m batch1" in refused.text
    )
    assert refused.code == 1
    assert project.run("-m", "batch1").code == 0
    assert project.run("-m", "batch2", "--k1n-gate=require").code == 0


def test_a_pass_on_another_release_does_not_count(project):
    del project.options[-2:]
    passed = project.run("-m", "batch1", "--k1n-conductor=3.15.0")
    assert passed.code == 0
    assert "server   embedded engine, not a Conductor server pytest-k1n" in passed.text
    assert " as Conductor 3.15.0, virtual time" in passed.text
    refused = project.run("-m", "batch2", "--k1n-gate=require")
    assert refused.counts["blocked"] == 2
    assert "it passed on embedded 3.15.0 in virtual time, and this run is on embedded in virtual time" in refused.text


def test_a_changed_definition_voids_the_recorded_pass(project):
    del project.options[-2:]
    assert project.run("-m", "batch1").code == 0
    plan = project.pytester.path / "k1n.toml"
    plan.write_text(plan.read_text().replace('band = ["5m", "8m"]', 'band = ["5m", "9m"]'))
    assert project.run("-m", "batch2", "--k1n-gate=require").counts["blocked"] == 2


SECOND_TEST = """

def test_more(workflow_execution):
    workflow_execution.expect(completed())
"""


@pytest.mark.parametrize(
    "arguments",
    [("-m", "batch1", "-k", "more"), ("test_first.py::test_first",)],
    ids=["deselected", "picked by name"],
)
def test_a_pass_of_some_tests_of_a_batch_is_no_pass_of_the_batch(project, arguments):
    del project.options[-2:]
    project.test("first", (project.pytester.path / "test_first.py").read_text() + SECOND_TEST)
    assert project.run(*arguments).counts["passed"] == 1
    refused = project.run("-m", "batch2", "--k1n-gate=require")
    assert refused.counts["blocked"] == 2
    assert "batch1 must pass first: no pass of the whole batch is on record" in refused.text


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [("def test_first", "@pytest.mark.skip\ndef test_first", 0), ("completed())", "completed(), completed())", 1)],
    ids=["skipped", "changed since"],
)
def test_a_test_that_skips_or_has_changed_since_voids_the_pass(project, old, new, counts):
    del project.options[-2:]
    path = project.pytester.path / "test_first.py"
    plain = path.read_text()
    assert old in plain
    if counts:
        assert project.run("-m", "batch1").code == 0
        path.write_text(plain.replace(old, new))
    else:
        project.test("first", plain.replace(old, new)).run("-m", "batch1")
    refused = project.run("-m", "batch2", "--k1n-gate=require")
    assert refused.counts["blocked"] == 2
    assert ("its tests have changed since it passed (test_first.py)" in refused.text) is bool(counts)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("conftest.py", "WANTED = 1\n", "WANTED = 2\n"),
        ("conftest.py", None, "WANTED = 2\n"),
        ("helper.py", "WANTED = 1\n", "WANTED = 2\n"),
        ("tasks/one.json", '{"name": "one", "retryCount": 1}', '{"name": "one", "retryCount": 2}'),
    ],
    ids=["conftest changed", "conftest added", "what a test imports", "a task definition"],
)
def test_what_the_tests_and_the_workflow_rest_on_voids_the_pass_when_it_changes(project, name, before, after):
    del project.options[-2:]
    path = project.pytester.path / name
    if name == "helper.py":
        first = project.pytester.path / "test_first.py"
        first.write_text(f"import helper\n{first.read_text()}")
    if name == "tasks/one.json":
        path.parent.mkdir(exist_ok=True)
    if before is not None:
        path.write_text(before)
    assert project.run("-m", "batch1").code == 0
    assert project.run("-m", "batch2", "--k1n-gate=require").code == 0
    path.write_text(after)
    refused = project.run("-m", "batch2", "--k1n-gate=require")
    assert refused.counts["blocked"] == 2
    assert "since it passed" in refused.text


@pytest.mark.parametrize("option", ["--setup-only", "--k1n-fault=FIRST/*:slow=1.01"])
def test_a_run_that_asks_nothing_or_breaks_something_on_purpose_is_no_pass(project, option):
    del project.options[-2:]
    project.run("-m", "batch1", option)
    assert project.run("-m", "batch2", "--k1n-gate=require").counts["blocked"] == 2


def test_a_pass_from_the_future_does_not_count(project):
    del project.options[-2:]
    assert project.run("-m", "batch1").code == 0
    (path,) = (project.pytester.path / ".pytest_cache").rglob("k1n/passed")
    document = json.loads(path.read_text())
    document["batch1"]["at_s"] += 3_600
    path.write_text(json.dumps(document))
    refused = project.run("-m", "batch2", "--k1n-gate=require")
    assert refused.counts["blocked"] == 2
    assert "from now, by the clock of then" in refused.text


LEFT_OUT = """
import json

import pytest
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]
{skip}

def test_more(workflow_execution):
    pass
"""


@pytest.mark.parametrize(
    ("skip", "arguments", "reason"),
    [
        ("pytest.skip('not here', allow_module_level=True)", (), "no pass of the whole batch is on record"),
        ("pytest.importorskip('k1n_is_not_there')", (), "no pass of the whole batch is on record"),
        ("", ("--ignore=test_more.py",), "no pass of the whole batch is on record"),
        ("", ("--ignore-glob=*_mor*",), "no pass of the whole batch is on record"),
        ("", ("test_first.py",), "no pass of the whole batch is on record"),
    ],
    ids=["skips itself", "lacks an import", "ignored", "ignored by a pattern", "not named"],
)
def test_a_module_of_which_no_test_was_seen_leaves_the_batch_without_a_pass(project, skip, arguments, reason):
    del project.options[-2:]
    project.test("more", LEFT_OUT.format(skip=skip))
    assert project.run("-m", "batch1", *arguments).code == 0
    refused = project.run("-m", "batch2", "--k1n-gate=require")
    assert refused.counts["blocked"] == 2
    assert reason in refused.text


IGNORING = """
import os

collect_ignore = ["test_more.py"] if os.environ.get("FAST") else []
"""
IGNORING_BY_A_HOOK = """
import os

def pytest_ignore_collect(collection_path):
    return True if os.environ.get("FAST") and collection_path.name == "test_more.py" else None
"""


@pytest.mark.parametrize("conftest", [IGNORING, IGNORING_BY_A_HOOK], ids=["a list", "a hook"])
def test_a_module_that_a_conftest_has_ignored_leaves_the_batch_without_a_pass(project, monkeypatch, conftest):
    del project.options[-2:]
    project.file("conftest.py", conftest).test("more", LEFT_OUT.format(skip=""))
    monkeypatch.setenv("FAST", "1")
    assert project.run("-m", "batch1").code == 0
    monkeypatch.delenv("FAST")
    refused = project.run("test_second_chain.py", "--k1n-gate=require")
    assert refused.counts["blocked"] == 2
    assert "no pass of the whole batch is on record" in refused.text


def test_what_failed_last_is_not_the_whole_batch_where_it_is_all_that_this_run_reads(project):
    del project.options[-2:]
    project.test("more", LEFT_OUT.format(skip=""))
    failing = (project.pytester.path / "test_first.py").read_text()
    project.test(
        "first", failing.replace("completed()", "completed(), failed()").replace("import c", "import failed, c")
    )
    assert project.run("test_first.py::test_first", "test_more.py").code == 1
    project.test("first", failing)
    assert project.run("-m", "batch1", "--lf").counts["passed"] == 1
    assert project.run("test_second_chain.py", "--k1n-gate=require").counts["blocked"] == 2


@pytest.mark.parametrize(
    ("looser", "reason"),
    [
        ("--k1n-latency=off", "it passed with --k1n-latency=off, and this run asks for weather"),
        ("--k1n-min-pass-rate=50", "it passed with --k1n-min-pass-rate=50, and this run asks for 95"),
    ],
)
def test_a_pass_of_which_less_was_asked_does_not_count(project, looser, reason):
    del project.options[-2:]
    assert project.run("-m", "batch1", looser).code == 0
    refused = project.run("-m", "batch2", "--k1n-gate=require")
    assert refused.counts["blocked"] == 2
    assert reason in refused.text
    assert project.run("-m", "batch2", "--k1n-gate=require", looser).code == 0


@pytest.mark.parametrize("selection", [(), ("test_second_chain.py",), ("--ignore=test_more.py",)])
def test_a_module_that_has_come_since_takes_the_pass_away_whether_or_not_it_is_collected(project, selection):
    del project.options[-2:]
    assert project.run("-m", "batch1").code == 0
    project.test("more", LEFT_OUT.format(skip=""))
    refused = project.run("-m", "batch2", "--k1n-gate=require", *selection)
    assert refused.counts["blocked"] == 2
    why = (
        "test_more.py names batch1, and was not there" if selection else "1 tests were collected for it when it passed"
    )
    assert why in refused.text
    assert project.run("-m", "batch1").code == 0
    assert project.run("-m", "batch2", "--k1n-gate=require").code == 0


@pytest.mark.parametrize("between", [(), ("-m", "batch1", FAIL_FIRST)], ids=["at once", "after a fault"])
@pytest.mark.parametrize("new_name", [None, "others"], ids=["deleted", "renamed"])
def test_a_module_that_is_gone_is_not_waited_for(project, new_name, between):
    del project.options[-2:]
    project.test("more", LEFT_OUT.format(skip=""))
    assert project.run("-m", "batch1").code == 0
    (project.pytester.path / "test_more.py").unlink()
    if new_name:
        project.test(new_name, LEFT_OUT.format(skip=""))
    if between:
        assert project.run(*between).code == 1
    assert "blocked" in project.run("-m", "batch2", "--k1n-gate=require").counts
    assert project.run("-m", "batch1").code == 0
    assert project.run("-m", "batch2", "--k1n-gate=require").code == 0


def test_a_module_that_skips_itself_and_is_of_no_batch_takes_no_pass_away(project):
    del project.options[-2:]
    project.test("more", "import pytest\npytest.skip('not here', allow_module_level=True)\n")
    assert project.run("-m", "batch1").code == 0
    assert project.run("-m", "batch2", "--k1n-gate=require").code == 0


def test_without_a_cache_there_are_no_recorded_passes_and_the_reason_is_said(project):
    del project.options[-2:]
    refused = project.run("-m", "batch2", "--k1n-gate=require", "-p", "no:cacheprovider")
    assert "passes are on record in pytest's cache, which is off" in refused.text


def test_a_recorded_pass_grows_old(project):
    del project.options[-2:]
    assert project.run("-m", "batch1").code == 0
    assert project.run("-m", "batch2", "--k1n-gate=require", "--k1n-gate-age=1h").code == 0
    assert (
        "more than --k1n-gate-age allows" in project.run("-m", "batch2", "--k1n-gate=require", "--k1n-gate-age=0s").text
    )


def test_skipped_and_xfailed_tests_do_not_block(project):
    project.test(
        "first",
        (project.pytester.path / "test_first.py").read_text()
        + """

@pytest.mark.skip(reason="not today")
def test_skipped(workflow_execution): ...

@pytest.mark.xfail(strict=True)
def test_expected_to_fail(workflow_execution):
    raise AssertionError
""",
    )
    outcome = project.run()
    assert outcome.counts == {"passed": 3, "skipped": 1, "xfailed": 1}


UNKNOWN_TEST = """
import json

import pytest
from pytest_k1n import Finding, Findings, Verdict
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]

def undecided(execution):
    finding = Finding(code="x", subject="one", expected="light", observed="fog", verdict=Verdict.UNKNOWN)
    return Findings((finding,))

def test_unknown(workflow_execution):
    workflow_execution.expect(undecided)
"""


def test_unknown_is_an_outcome_of_its_own_that_fails_and_blocks(project):
    outcome = project.test("first", UNKNOWN_TEST).run("-v")
    assert outcome.counts == {"unknown": 1, "blocked": 2}
    assert outcome.verbose["test_first.py::test_unknown"] == "UNKNOWN"
    assert "expected light; observed fog" in outcome.text
    assert outcome.code == 1


def test_unknown_may_be_a_warning(project):
    outcome = project.test("first", UNKNOWN_TEST).run("--k1n-unknown=warn")
    assert outcome.counts == {"unknown": 1, "passed": 2}
    assert outcome.code == 0


def test_blocked_and_unknown_tests_stay_in_last_failed(project):
    del project.options[-2:]
    project.test("first", UNKNOWN_TEST)
    assert project.run().counts == {"unknown": 1, "blocked": 2}
    again = project.run("--lf", "--collect-only", "-q")
    assert "test_unknown" in again.text
    assert "test_chain" in again.text


def test_exitfirst_ends_the_rest_cleanly(project):
    outcome = project.run(FAIL_FIRST, "-x")
    assert outcome.counts == {"failed": 1}
    assert outcome.code == 1


def test_a_batch_is_sorted_before_the_next_whatever_the_files_are_called(project):
    chain = (project.pytester.path / "test_second_chain.py").read_text()
    (project.pytester.path / "test_second_chain.py").unlink()
    outcome = project.test("a_chain", chain).run("-v")
    order = [line for line in outcome.text.splitlines() if "PASSED" in line]
    assert "test_first" in order[0]


def test_failed_first_is_sorted_by_batch_again(project):
    del project.options[-2:]
    assert project.run("--k1n-fault=CHAIN/b:terminal").counts["failed"] == 1
    outcome = project.run("--ff", "-v")
    order = [line for line in outcome.text.splitlines() if "PASSED" in line]
    assert "test_first" in order[0]


def test_tests_outside_every_batch_run_ungated_and_last(project):
    project.test("a_unit", "def test_unit(): pass\n")
    outcome = project.run(FAIL_FIRST, "-v")
    assert outcome.counts == {"failed": 1, "blocked": 2, "passed": 1}
    assert outcome.verbose["test_a_unit.py::test_unit"] == "PASSED"


@pytest.mark.parametrize("arguments", [["--collect-only"], ["--markers"], ["--fixtures"], ["--setup-plan"]])
def test_listing_starts_nothing(project, arguments):
    outcome = project.run(*arguments, "--k1n-server=jar", "--k1n-jar=/nonexistent")
    assert outcome.code == 0
    assert not (project.pytester.path / "test-results").exists()


def test_a_node_id_launches_only_its_execution(project):
    outcome = project.run("test_first.py::test_first", "--k1n-keep=always")
    assert outcome.counts == {"passed": 1}
    kept = list((project.pytester.path / "test-results" / "runs").glob("*/executions/*.json"))
    assert len(kept) == 1


def test_a_band_of_the_plan_holds_also_where_no_test_asks_for_it(project):
    plan = (project.pytester.path / "k1n.toml").read_text()
    project.plan(plan.replace('band = ["5m", "8m"]', 'band = ["1m", "2m"]').replace('["5m", "7m"]', '["1m", "2m"]'))
    outcome = project.run()
    assert outcome.counts == {"passed": 3}
    assert outcome.code == 1
    assert "k1n: FIRST: no test asks for it, the plan does: fail    outside-band: FIRST: expected" in outcome.text
    assert "k1n: CHAIN: no test asks for it, the plan does: fail    outside-band: phase 2: expected" in outcome.text
    found = outcome.results("run.json")["findings"]
    assert [each["subject"] for each in found if each["code"] == "outside-band"] == ["FIRST", "phase 2"]
    first = outcome.results("template-01-first-results.json")
    assert (first["verdict"], first["findings"][0]["code"]) == ("fail", "outside-band")


def test_a_band_that_a_test_has_found_missed_is_told_once(project):
    plan = (project.pytester.path / "k1n.toml").read_text()
    project.plan(plan.replace('band = ["5m", "8m"]', 'band = ["1m", "2m"]'))
    asking = (project.pytester.path / "test_first.py").read_text()
    project.test(
        "first",
        asking.replace("completed())", "completed(), within('1m', '2m'))").replace(
            "completed\n", "completed, within\n"
        ),
    )
    outcome = project.run("-m", "batch1")
    assert outcome.counts == {"failed": 1, "deselected": 2}
    assert "no test asks for it" not in outcome.text
