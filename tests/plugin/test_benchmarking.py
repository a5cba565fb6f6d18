"""pytest-benchmark in workflow time: what is recorded, saved and compared, and where nothing is."""

import json

import pytest

BENCHMARK_TEST = """
import pytest
pytestmark = [pytest.mark.batch1, pytest.mark.workflow("FIRST")]

def test_time(workflow_execution, workflow_benchmark):
    workflow_benchmark(workflow_execution)
"""
SLOW = "--k1n-fault=FIRST/one:slow=1.2"
SAVED = ("--benchmark-storage=saved", "--benchmark-columns=mean")


@pytest.fixture
def benchmarked(project, monkeypatch):
    """The project with one benchmark instead of its tests, and pytest-benchmark not seeing the xdist around it."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    (project.pytester.path / "test_second_chain.py").unlink()
    return project.test("first", BENCHMARK_TEST)


def recorded(project):
    (benchmark,) = json.loads((project.pytester.path / "out.json").read_text())["benchmarks"]
    return benchmark


def test_the_workflow_time_is_recorded_in_seconds_with_its_figures(benchmarked):
    outcome = benchmarked.run("--benchmark-json=out.json")
    assert outcome.counts == {"passed": 1}
    found, result = recorded(benchmarked), outcome.results("template-01-first-results.json")
    assert found["stats"]["data"] == [pytest.approx(result["makespan_min"] * 60, abs=1e-4)]
    assert (found["stats"]["rounds"], found["stats"]["iterations"]) == (1, 1)
    assert (found["group"], found["options"]["timer"]) == ("workflow time", "workflow_time")
    info = found["extra_info"]
    assert (info["workflow"], info["simulated"], info["seed"]) == ("FIRST", True, 0)
    assert info["server"]["kind"] == "embedded"
    assert info["time"]["model"] == "virtual"
    assert (info["estimate_min"], info["band_min"]) == (6, [5, 8])
    (execution,) = info["executions"]
    for name in ("makespan_ms", "makespan_min", "tasks", "critical_path"):
        assert execution[name] == result[name]
    assert "queue_wait_ms" in execution["tasks"][0]


def test_several_executions_are_a_round_each(benchmarked):
    source = BENCHMARK_TEST.replace('"FIRST"', '"FIRST", in_a_row=3').replace(
        "workflow_execution", "workflow_executions"
    )
    benchmarked.test("first", source.replace("(workflow_executions)", "(*workflow_executions)"))
    assert benchmarked.run("--benchmark-json=out.json").counts == {"passed": 1}
    found = recorded(benchmarked)
    minutes = [execution["makespan_min"] for execution in found["extra_info"]["executions"]]
    assert len(minutes) == 3
    assert found["stats"]["data"] == pytest.approx([60 * each for each in minutes], abs=1e-4)


def test_a_saved_run_compares_with_the_next(benchmarked):
    assert benchmarked.run(*SAVED, "--benchmark-autosave").code == 0
    same = benchmarked.run(*SAVED, "--benchmark-compare", "--benchmark-compare-fail=mean:1%")
    assert same.code == 0
    assert "test_time (NOW)" in same.text
    slower = benchmarked.spawn(*SAVED, "--benchmark-compare", "--benchmark-compare-fail=mean:10%", SLOW)
    assert slower.code != 0
    assert "Performance has regressed" in slower.text


def test_a_test_keeps_what_its_own_mark_says_but_for_the_timer(benchmarked):
    mark = "@pytest.mark.benchmark(group='mine', timer=lambda: 1 / 0)\ndef test_time"
    benchmarked.test("first", BENCHMARK_TEST.replace("def test_time", mark))
    assert benchmarked.run("--benchmark-json=out.json").counts == {"passed": 1}
    assert recorded(benchmarked)["group"] == "mine"


def test_an_execution_that_failed_has_no_time_to_compare(benchmarked):
    outcome = benchmarked.spawn("--benchmark-json=out.json", "--k1n-fault=FIRST/one:terminal=disk full")
    assert outcome.counts["failed"] == 1
    assert "disk full" in outcome.text
    written = benchmarked.pytester.path / "out.json"  # there is none but from 5.1, which writes an empty one
    assert not written.exists() or json.loads(written.read_text())["benchmarks"] == []


def test_executions_of_two_workflows_are_no_benchmark(benchmarked):
    source = """
import pytest
pytestmark = pytest.mark.batch1

def test_time(conductor, workflow_benchmark):
    def run(name):
        return conductor.run({"name": name, "version": 1, "ownerEmail": "me@example.com", "tasks": [
            {"name": "one", "taskReferenceName": "one", "type": "SIMPLE"}]})
    with pytest.raises(ValueError, match="not of A, B"):
        workflow_benchmark(run("A"), run("B"))
    with pytest.raises(ValueError, match="not of none"):
        workflow_benchmark()
    workflow_benchmark(run("A"))
"""
    assert benchmarked.test("first", source).run().counts == {"passed": 1}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("-p", "no:benchmark"), 'pip install "pytest-k1n[[]benchmark]"'),
        (("--benchmark-disable",), "pytest-benchmark is off"),
        (("--benchmark-skip",), "--benchmark-skip active"),
    ],
)
def test_where_nothing_would_be_recorded_it_skips_and_says_why(benchmarked, arguments, reason):
    outcome = benchmarked.run("-rs", *arguments)
    assert outcome.counts == {"skipped": 1}
    assert outcome.code == 0
    outcome.result.stdout.fnmatch_lines([f"SKIPPED *{reason}*"])


def test_on_nodes_it_skips_and_the_header_says_so(benchmarked):
    outcome = benchmarked.spawn("-n2", "-rs")
    assert outcome.counts == {"skipped": 1}
    outcome.result.stdout.fnmatch_lines(["k1n: pytest-benchmark is off under xdist*", "SKIPPED *under xdist: add -n0"])


def test_benchmark_only_knows_it_for_a_benchmark(benchmarked):
    benchmarked.test("other", "def test_other(): pass\n")
    assert benchmarked.run("--benchmark-only").counts == {"passed": 1, "skipped": 1}
