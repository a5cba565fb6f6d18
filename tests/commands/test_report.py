"""`k1n report`, `whatif`, `diff`, `show`: from recorded executions, as a person types them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_k1n.cli import main
from pytest_k1n.report.formats import FORMATS

ROOT = Path(__file__).parents[2]
HISTORIES = ROOT / "fixtures" / "histories"
WORKFLOWS = ROOT / "fixtures" / "workflows"
FULL = str(HISTORIES / "template-04.json")


@pytest.fixture
def typed(capsys, monkeypatch):
    """Types a command in the project's folder; returns (exit code, standard output, standard error)."""
    monkeypatch.chdir(ROOT)

    def type_(*words):
        code = main([str(word) for word in words])
        return (code, *capsys.readouterr())

    return type_


@pytest.mark.parametrize("form", [each.name for each in FORMATS])
def test_every_format_is_written_to_a_file_or_to_standard_output(typed, tmp_path, form):
    target = tmp_path / "new" / f"report.{form}"
    assert typed("report", FULL, "--format", form, "--output", target)[0] == 0
    code, printed, _ = typed("report", FULL, "--format", form)
    assert (code, printed) == (0, target.read_text())


def test_a_report_is_made_again_from_its_own_document(typed, tmp_path):
    typed("report", FULL, "-o", tmp_path / "run.json")
    assert typed("report", tmp_path, "-f", "csv")[1] == typed("report", FULL, "-f", "csv")[1]


def test_of_several_runs_the_page_shows_the_trend(typed, tmp_path):
    for name in ("one", "two"):
        typed("report", FULL, "-o", tmp_path / name / "run.json")
    assert "Over the last runs" in typed("report", tmp_path / "one", tmp_path / "two", "-f", "html")[1]
    assert "Over the last runs" not in typed("report", tmp_path / "one", "-f", "html")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("report", "nowhere.json"), "nowhere.json"),
        (("report", "fixtures"), "holds no run.json"),
        (("report", "--from", "nowhere", "--workflow", "W"), "'nowhere': no such file or folder, and no server's URL"),
        (("report", "pyproject.toml"), "not JSON"),
        (("report", FULL, "--workflow", "NOBODY"), "no execution of NOBODY"),
        (("report", FULL, "-o", "x.pdf"), "a report's name ends in one of"),
        (("whatif", FULL, "--takes", "task_8"), "write NAME=VALUE"),
        (("whatif", FULL, "--takes", "nobody=1m"), "is no task of this execution"),
        (("whatif", FULL, "--takes", "task_8=quickly"), "is not a duration"),
        (("whatif", FULL, "--workers", "task_8=0"), "no number of workers"),
        (("whatif", FULL, "--parallel", "task_3,task_5"), "task_4 runs between"),
        (("whatif", str(HISTORIES / "running.json")), "has not ended"),
        (("diff", "fixtures/histories", FULL), "fixtures/histories: holds"),
        (("show", "fixtures/histories"), "fixtures/histories: holds"),
        (("diff", FULL), "two runs or executions are compared, not 1"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(typed, words, said):
    code, printed, error = typed(*words)
    assert (code, printed, error.count("\n")) == (2, "", 1)
    assert said in error


def test_what_if_answers_in_words_and_in_json(typed):
    code, printed, _ = typed("whatif", FULL, "--takes", "task_8=0s")
    assert code == 0
    assert "it would take" in printed
    answer = json.loads(typed("whatif", FULL, "--takes", "task_8=0s", "--json")[1])
    assert answer["then_ms"] < answer["now_ms"]


@pytest.fixture
def mixed(typed, tmp_path):
    """A run of a batch's execution that completed, a test's own that failed early, and a copy of the first."""
    typed("report", FULL, "-f", "json", "-o", str(tmp_path / "run.json"))
    document = json.loads((tmp_path / "run.json").read_text())
    [execution] = document["executions"]
    main_one = {**execution, "role": "main"}
    failed = {**execution, "role": "own", "workflow": {**execution["workflow"], "status": "FAILED"}}
    failed["tasks"] = [each for each in execution["tasks"] if each["ref"] != "task_8"]
    document["executions"] = [main_one, {**main_one, "role": "repeat"}, failed]
    (tmp_path / "run.json").write_text(json.dumps(document))
    return tmp_path


def test_what_if_is_asked_of_the_execution_that_completed_and_says_what_it_leaves_out(typed, mixed):
    code, printed, error = typed("whatif", mixed, "--takes", "task_8=0s")
    assert (code, error) == (0, "")
    assert "over 2 recorded executions" in printed
    assert "left out: 1 FAILED" in printed
    answer = json.loads(typed("whatif", mixed, "--takes", "task_8=0s", "--json")[1])
    assert (answer["executions"], answer["left_out"]) == (2, {"FAILED": 1})


@pytest.mark.parametrize("kind", ["run", "results", "lint"])
def test_a_document_of_a_run_is_validated_as_what_it_is(typed, mixed, kind):
    path = mixed / "run.json"
    if kind != "run":
        [tasks] = [each["tasks"] for each in json.loads(path.read_text())["executions"][:1]]
        path.write_text(json.dumps({"schema": f"k1n-{kind}/1", "tasks": tasks}))
    _, printed, _ = typed("validate", path)
    assert "no-name" not in printed
    if kind == "run":
        assert printed.strip().endswith("valid, the document of a run")


def test_a_target_that_is_out_of_reach_is_exit_code_1(typed):
    code, printed, _ = typed("whatif", FULL, "--target", "1ms")
    assert code == 1
    assert "is not reached" in printed


def test_a_difference_is_drawn_and_what_is_the_same_is_not(typed, tmp_path):
    slower = json.loads(Path(FULL).read_text())
    for task in slower["tasks"]:
        late = 60_000 if task["seq"] > 8 else 0
        for stamp in ("scheduledTime", "startTime"):
            task[stamp] += late
        task["endTime"] += 60_000 if task["seq"] >= 8 else 0
    slower["endTime"] += 60_000
    (tmp_path / "slower.json").write_text(json.dumps(slower))
    code, printed, _ = typed("diff", FULL, tmp_path / "slower.json")
    assert code == 0
    assert "1.0 min longer" in printed
    assert "+1.0 min slower" in printed
    assert "task_9 " not in printed
    assert "no task moved" in typed("diff", FULL, FULL)[1]


def test_a_definition_and_an_execution_are_drawn(typed):
    assert "task_4    SIMPLE  after together" in typed("show", WORKFLOWS / "K1N_TEMPLATE_03.json")[1]
    assert typed("show", WORKFLOWS / "K1N_TEMPLATE_03.json", "--mermaid")[1].startswith("flowchart TD")
    assert typed("show", WORKFLOWS / "K1N_TEMPLATE_03.json", "--svg")[1].startswith("<svg ")
    assert typed("show", FULL, "--svg")[1].startswith("<svg ")
    assert "task_22 |" in typed("show", FULL)[1]


def test_the_completion_report_says_what_was_not_measured(typed, tmp_path):
    typed("report", FULL, "-o", tmp_path / "run.json")
    code, _printed, _ = typed("report", tmp_path, "--completion", tmp_path / "09-reports")
    assert code == 0
    (report,) = (tmp_path / "09-reports").glob("K1NReport_PHASE4_5_EXECUTION_v1.0_????????.md")
    text = report.read_text()
    assert text.count("not measured") > 5
    assert "- [ ] Batch 1 passes all checks" in text
    assert "- [x] Completion report generated" in text
    assert report.with_suffix(".html").read_text().startswith("<!doctype html>")


def test_the_report_of_phase_5_1_says_what_was_not_measured(typed, tmp_path):
    typed("report", FULL, "-o", tmp_path / "run.json")
    words = ("--completion", tmp_path / "09-reports", "--phase", "5.1", "--metrics", tmp_path / "none")
    assert typed("report", tmp_path, *words)[0] == 0
    (report,) = (tmp_path / "09-reports").glob("K1NReport_PHASE5_1_COMPLETION_v1.0_????????.md")
    text = report.read_text()
    assert "| Total duration | not measured | not measured | not measured |" in text
    assert "not measured: run .conductor/metrics/compare-task8.py." in text
    assert text.count("- [ ] ") == 6
    assert "- [x] " not in text


def test_the_report_of_phase_5_1_sets_what_runs_and_scripts_measured_before_and_after(typed, tmp_path):
    metrics = tmp_path / "metrics"
    (metrics / "baselines" / "20261128_120000").mkdir(parents=True)
    sets = ("none", "cache,parallel,incremental")
    rows = [{"strategies": name, "cache": age, "duration_ms": ms, "digest": "d"}
            for name, ms in zip(sets, (900_000, 540_000), strict=True) for age in ("cold", "warm")]  # fmt: skip
    summary = {"total_duration_ms": 7_800_000, "critical_path_tasks": [8], "major_path_tasks": [7, 6]}
    for name, document in (
        ("baselines/20261128_120000/summary.json", summary),
        ("task8-strategies.json", {"rows": rows}),
        ("optimized-run-20261128_120000.json", {"total_ms": 4_200_000, "baseline_ms": 7_800_000, "fallbacks": 0}),
    ):
        (metrics / name).write_text(json.dumps(document))
    suite = ["suites", "-m", "batch3 or batch4", "-q", "-p", "no:cacheprovider", f"--k1n-results={tmp_path}"]
    chosen = [*suite, "-k", "test_all_22 or in_a_row or pass_rate", "--k1n-server=embedded"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *chosen], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout
    words = ("--completion", tmp_path / "09-reports", "--phase", "5.1", "--metrics", metrics)
    assert typed("report", tmp_path, *words)[0] == 0
    (report,) = (tmp_path / "09-reports").glob("*.md")
    text = report.read_text()
    assert re.search(r"\| Total duration \| 1(29|30)\.\d min \| 69\.\d min \| 4[67]% less, 1\.8\dx \|", text)
    assert re.search(r"\| Tasks 3, 4 and 5, .* \| 10\.\d min \| 3\.\d min \| 6\d% less, [23]\.\d\dx \|", text)
    assert "| cache,parallel,incremental | 9.0 min | 9.0 min | 360 s | 360 s |" in text
    assert "| profiled baseline | 130.0 min | critical: task 8; major: task 7, task 6 |" in text
    assert "| optimised, by its handlers without a server | 70.0 min | 1.86x, 0 fall-back(s) to sequential |" in text
    assert text.count("- [x] ") == 6


def test_a_file_of_the_profiling_scripts_that_is_none_is_named(typed, tmp_path):
    typed("report", FULL, "-o", tmp_path / "run.json")
    (tmp_path / "task8-strategies.json").write_text("{")
    code, _, said = typed("report", tmp_path, "--completion", tmp_path, "--phase", "5.1", "--metrics", tmp_path)
    assert code == 2
    assert "task8-strategies.json: not JSON" in said


def test_saved_executions_of_a_folder_are_runs_of_which_the_last_that_completed_is_asked(typed, tmp_path):
    execution = json.loads(Path(FULL).read_text())
    later = {key: execution[key] + 60_000 for key in ("startTime", "endTime")}
    for name, changed in (("b", {}), ("a", {"status": "TERMINATED", **later})):
        (tmp_path / f"{name}.json").write_text(json.dumps({**execution, "workflowId": name, **changed}))
    assert "Over the last runs" in typed("report", tmp_path, "-f", "html")[1]
    code, printed, _ = typed("whatif", tmp_path)
    assert code == 0
    assert "took 20.26 s\n" in printed
    assert "left out: 1 TERMINATED" in printed


def test_an_execution_without_its_definition_is_reported_by_the_one_that_is_given(typed, tmp_path):
    execution = json.loads(Path(FULL).read_text())
    definition = tmp_path / "definition.json"
    definition.write_text(json.dumps(execution.pop("workflowDefinition")))
    (tmp_path / "bare").mkdir()
    bare = tmp_path / "bare" / "execution.json"
    bare.write_text(json.dumps({**execution, "workflowName": "STRANGER"}))
    definition.write_text(definition.read_text().replace("K1N_22TASK_COMPLETE", "STRANGER"))
    for words in (("report", bare), ("whatif", bare), ("show", bare), ("diff", bare, bare)):
        code, _, error = typed(*words)
        assert code == 2
        assert "name one with --plan or --definition" in error
        assert typed(*words, "--definition", definition)[0] == 0


def test_executions_that_took_another_course_are_left_out_of_what_if(typed, tmp_path):
    execution = json.loads(Path(FULL).read_text())
    other = json.loads(Path(FULL).read_text().replace('"task_9"', '"task_9b"'))
    other |= {"workflowId": "other", "startTime": execution["startTime"] - 1}
    for each in (execution, other):
        (tmp_path / f"{each['workflowId']}.json").write_text(json.dumps(each))
    code, printed, _ = typed("whatif", tmp_path, "--takes", "task_9=1s")
    assert code == 0
    assert "left out: 1 without a task that is named" in printed


@pytest.mark.parametrize(
    ("status", "task", "head", "row"),
    [
        ("RUNNING", "IN_PROGRESS", " so far (still RUNNING) after", "still runs"),
        ("PAUSED", "SCHEDULED", " so far (still PAUSED) after", "still waits"),
        ("TERMINATED", "CANCELED", " (TERMINATED) after", "COMPLETED -> CANCELED"),
    ],
)
def test_a_comparison_with_what_did_not_come_to_its_end_says_so(typed, tmp_path, status, task, head, row):
    other = json.loads(Path(FULL).read_text())
    other |= {"status": status, "endTime": 0 if status != "TERMINATED" else other["endTime"]}
    last = max(other["tasks"], key=lambda each: each["seq"])
    last |= {"status": task, "endTime": 0 if task != "CANCELED" else last["endTime"]}
    last["startTime"] = 0 if task == "SCHEDULED" else last["startTime"]
    (tmp_path / "other.json").write_text(json.dumps(other))
    code, printed, _ = typed("diff", FULL, tmp_path / "other.json")
    assert code == 0
    assert printed.splitlines()[0].endswith(head)
    assert row in printed
    assert "did not run" not in printed
