"""What the completion report tells the plan's owner, and what it leaves open."""

import copy

import pytest

from pytest_k1n.report.completion_report import markdown


@pytest.fixture
def document(recorded):
    """A run of batch 3 alone, recorded from a real server."""
    found = copy.deepcopy(recorded("template-04"))
    (execution,) = found["executions"]
    execution |= {"batch": "batch3", "role": "main", "expected_speedup": 2.67}
    found["findings"] = []
    found["tests"] = [{"node_id": f"t{number}", "outcome": "passed", "batch": "batch3"} for number in range(3)]
    found["batches"] = [{"name": "batch3", "title": "full", "verdict": "pass", "reason": "", "timeline_ms": [0, 5, 9],
                         "quality": None, "templates": []}]  # fmt: skip
    return found


def unmeasured(number):
    return {"workflow_id": None, "batch": "batch3", "code": "not-measurable", "subject": f"task_{number}",
            "expected": "a queue wait of at most 150 ms", "observed": "1 s", "margin": "1 s", "origin": "",
            "verdict": "warn", "gates": ["G9"] if number < 2 else [], "tests": ["t"]}  # fmt: skip


def test_it_counts_the_tasks_names_the_execution_and_says_when(document):
    text = markdown([document])
    execution = document["executions"][0]
    assert f"| COMPLETED | 22 of 22 | none | 0 | {execution['workflow']['workflow_id']} |" in text
    assert f"From {document['run']['started_at']} to {document['run']['ended_at']}, " in text
    assert "tests: 3 passed of the 3 tests that had to do with Conductor; pytest's exit code: " in text
    assert "| T+0 | T+5 ms | T+9 ms | T+0 to " in text


def test_what_failed_or_was_tried_again_is_counted(document):
    first, second, *_ = document["executions"][0]["tasks"]
    first["attempts"] *= 2
    second["attempts"][-1]["status"] = "FAILED"
    assert "| 21 of 22 | 1 FAILED | 1 |" in markdown([document])


def test_executions_of_a_batch_ran_side_by_side_or_not(document):
    first = document["executions"][0]
    second = copy.deepcopy(first) | {"title": "OTHER", "raw_started_ms": first["raw_started_ms"] + 1_000}
    document["executions"].append(second)
    assert "and OTHER ran side by side for 19.26 s of real time, 100% of the shorter one" in markdown([document])
    assert "ran from 0 ms to 20.26 s; OTHER ran from 1.00 s to 20.26 s." in markdown([document])
    second["raw_started_ms"] = first["raw_ended_ms"]
    assert "and OTHER did not run side by side: in real time since the first one's start " in markdown([document])
    second["raw_ended_ms"] = None
    assert "ran side by side was not measured" in markdown([document])


def test_latencies_that_could_not_be_judged_are_one_row(document):
    document["findings"] = [unmeasured(number) for number in range(9)]
    rows = [line for line in markdown([document]).splitlines() if "| not judged |" in line]
    assert len(rows) == 1
    assert "9 latencies (in 11 checks) were above the limit" in rows[0]
    assert "task_5 and 3 more" in rows[0]


def test_a_speed_up_that_the_definition_does_not_allow_is_said_to_be_out_of_reach(document):
    assert "the plan's 2.67x is out of reach of this definition: its order allows 1.00x." in markdown([document])
    document["executions"][0]["expected_speedup"] = 1.0
    assert "out of reach" not in markdown([document])


def test_the_last_box_names_what_is_open(document):
    text = markdown([document])
    assert "the evidence above says not yet: open are functionality, quality gates," in text
    assert "batch 1, batch 2, results" in text


@pytest.fixture
def chain(recorded):
    """A run of the dependency chain alone."""
    found = copy.deepcopy(recorded("template-02"))
    found["executions"][0] |= {"batch": "batch2", "role": "main"}
    found["batches"] = [{"name": "batch2", "title": "chain", "verdict": "pass", "reason": "", "timeline_ms": None,
                         "quality": None, "templates": []}]  # fmt: skip
    return found


def complete(document):
    """All three batches, each with the execution of the one on record, on its estimate and in its band."""
    (execution,) = document["executions"]
    document["executions"], document["batches"] = [], []
    for name, minutes in (("batch1", 6), ("batch2", 37), ("batch3", 130)):
        ms = minutes * 60_000
        document["executions"].append(copy.deepcopy(execution) | {"batch": name, "makespan_ms": ms, "estimate_ms": ms,
                                       "is_simulated": False})  # fmt: skip
        document["batches"].append({"name": name, "title": name, "verdict": "pass", "reason": "", "quality": None,
                                    "timeline_ms": None, "templates": []})  # fmt: skip
    return document


def quality(passed, failed, verdict, low, reasons=()):
    checks = {"passed": passed, "failed": failed, "unknown": 1, "simulated": 2, "not_measurable": 3}
    category = {"id": "G9", "title": "Overhead", "verdict": "pass", "blocking": False, "passed": passed, "simulated": 0,
                "evaluated": passed + failed, "note": "", "latencies": 7, "not_measurable": 3, "unit": "hops",
                "findings": []}  # fmt: skip
    return {"verdict": verdict, "rate_verdict": verdict, "rate": passed / (passed + failed), "wilson_low": low,
            "min_rate": 0.95, "checks": checks, "categories": [category], "reasons": list(reasons)}  # fmt: skip


def test_the_whole_plan_is_judged_by_its_own_band(document):
    complete(document)
    assert "| 120 to 190 min | 173.0 min | 173.0 min | +0.0% | pass |" in markdown([document])
    document["executions"][2]["makespan_ms"] = 148 * 60_000
    assert "| 120 to 190 min | 173.0 min | 3 h 11 min | +10.4% | fail |" in markdown([document])


def test_the_total_is_not_judged_while_a_batch_is_missing(document):
    assert "| total |" not in markdown([document])


def test_phases_and_the_bottlenecks_start_have_a_verdict(document):
    execution = document["executions"][0]
    phase = execution["phases"][0]
    phase |= {"start_ms": 0, "end_ms": 9 * 60_000}
    assert "1 foundation | 7 to 10 min | 9.0 min | 9.0 min | pass |" in markdown([document])
    phase["end_ms"] = 11 * 60_000
    assert "1 foundation | 7 to 10 min | 9.0 min | 11.0 min | fail |" in markdown([document])
    task = next(each for each in execution["tasks"] if each["ref"] == "task_8")
    task["attempts"][-1] |= {"start_ms": 41 * 60_000, "end_ms": 56 * 60_000}
    assert ("started at 41.0 min, 9.0 min earlier than the plan's text says (about 50.0 min); judged by the plan file, "
            "which has it start between 37.0 min and 60.0 min: pass. It took 15.0 min, estimated 15.0 min;"
            ) in markdown([document])  # fmt: skip
    task["attempts"][-1] |= {"start_ms": 61 * 60_000, "end_ms": 76 * 60_000}
    assert "11.0 min later than the plan's text says" in markdown([document])
    assert "between 37.0 min and 60.0 min: fail." in markdown([document])


def test_every_task_has_its_status_times_and_estimate(document):
    task = document["executions"][0]["tasks"][0]
    task["attempts"][-1] |= {"start_ms": 0, "end_ms": 240_000}
    task["estimate_ms"] = 250_000
    assert "| task_1 | COMPLETED | T+0 | T+4.0 min | 4.0 min | 4.2 min | -4.0% |" in markdown([document])
    task["attempts"] = []
    assert "| task_1 | NOT RUN | not measured | not measured |  | 4.2 min |  |" in markdown([document])


def test_tasks_that_wait_for_the_same_ran_at_once_or_not(document):
    tasks = document["executions"][0]["tasks"]
    for task, start, end in zip(tasks[1:3], (10, 20), (30, 40), strict=True):
        task["after"] = ["task_1"]
        task["attempts"][-1] |= {"start_ms": start * 1_000, "end_ms": end * 1_000}
        task["attempts"][-1]["raw"] |= {"started_ms": start * 10, "ended_ms": end * 10}
    assert ("task_2 and task_3 of K1N_22TASK_COMPLETE all ran at once from T+20.00 s to T+30.00 s; by the server's "
            "stamps for 100 ms of real time.") in markdown([document])  # fmt: skip
    document["time"] = {"model": "virtual", "speed": 1.0}
    assert "for 100 ms of virtual time." in markdown([document])
    tasks[2]["attempts"][-1]["start_ms"] = 30_000
    assert "task_2 and task_3 of K1N_22TASK_COMPLETE were at no instant all running." in markdown([document])


def test_simulated_work_does_not_tick_the_criterion_of_durations(document):
    complete(document)
    assert "- [x] Performance: within ±10 % of the estimated durations" in markdown([document])
    document["executions"][0]["is_simulated"] = True
    text = markdown([document])
    assert "- [ ] Performance: within ±10 % of the estimated durations (simulated work kept them" in text
    assert "the run on real work, whose command is below" in text
    real = "--k1n-time=real --k1n-handlers=auto --k1n-agents=FOLDER"
    assert f"pytest -m 'batch1 or batch2 or batch3' --k1n-server=URL {real}" in text
    document["server"] = {"kind": "url", "url": "http://localhost:8080", "version": "3.32.1", "notes": []}
    assert f"--k1n-server=http://localhost:8080 {real}" in markdown([document])


def test_the_summary_begins_with_what_is_open(document):
    complete(document)
    first = markdown([document]).partition("## Executive summary")[2].strip().splitlines()
    assert first[0] == ("- 3 of 3 batches passed, 4 of the plan's 5 success criteria are met: not yet ready for phase "
                        "5, open are quality gates, results.")  # fmt: skip
    assert first[1].startswith("- Open is Quality gates: at least 95 % across 15 or more categories (0 were evaluated)")


def test_the_rate_of_all_batches_is_judged_and_the_wilson_bound_only_warns(document):
    complete(document)
    reason = "14 of 14 checks passed; so few promise no more than 78.5%"
    qualities = (quality(14, 0, "warn", 0.785, [reason]), quality(98, 0, "pass", 0.962), quality(236, 0, "pass", 0.98))
    for batch, each in zip(document["batches"], qualities, strict=True):
        batch["quality"] = each
    text = markdown([document])
    assert "| batch1 | 100.0% | 95.0% | 78.5% | warn | 14 | 0 | 1 | 2 | 3 |" in text
    assert "| all | 100.0% | 95.0% | 98.9% | pass | 348 | 0 | 3 | 6 | 9 |" in text
    assert f"- [x] Batch 1 passes all checks that were judged ({reason})" in text
    document["batches"][2]["quality"] = quality(216, 20, "fail", 0.87)
    assert "| all | 94.3% | 95.0% | 91.3% | fail | 328 | 20 |" in markdown([document])


def test_a_ticked_box_names_the_warnings_beside_it(document):
    complete(document)
    document["findings"] = [unmeasured(1), unmeasured(2) | {"code": "overhead"}]
    assert ("- [x] Batch 3 passes all checks that were judged (1 warned, which fails nothing: overhead; latencies not "
            "judged: 1)") in markdown([document])  # fmt: skip
    assert "- [x] Batch 2 passes all checks\n" in markdown([document])


def test_the_weather_says_over_what_and_counts_latencies_once(document):
    document["run"] |= {"started_at": "2026-11-29T02:00:00.000Z", "ended_at": "2026-11-29T02:00:50.000Z"}
    document["findings"] = [unmeasured(number) for number in range(3)]
    document["batches"][0]["quality"] = quality(4, 0, "pass", 0.96)
    document["weather"] = {"latency": "weather", "since_ms": 1_000, "until_ms": 40_000, "host": [(2_000, 2_100)],
                           "server": [(3_000, 5_000)], "checks": 9, "not_measurable": 5}  # fmt: skip
    text = markdown([document])
    assert "for 39.00 s of the run's 50.00 s it was metered whether anything moved" in text
    assert "a thread that was due for 100 ms (at most 100 ms at a time)" in text
    assert "slower than usual in answering a cheap request for 2.00 s" in text
    assert ("9 checks, 7 of quality gates and 2 of tests; 5 could not be measured in this weather. That is 3 different "
            "latencies") in text  # fmt: skip


def test_the_environment_says_what_is_on_record_and_what_is_not(document):
    document["server"] = {"kind": "url", "url": "http://localhost:8080", "version": "3.32.1", "notes": ["warm"]}
    document["time"] = {"model": "scaled", "speed": 600.0}
    document["tests"][0]["node_id"] = "suites/test_it.py::test_it"
    text = markdown([document])
    assert "| server | Conductor (url), version 3.32.1 |" in text
    assert "| health | 1 of 1 executions ended; what its health page said is not on record" in text
    assert ("| command | not on record; equal in what is: pytest suites -m 'batch3' --k1n-server=http://localhost:8080 "
            f"--k1n-time=scaled --k1n-speed=600 --k1n-seed={document['run']['seed']} |") in text  # fmt: skip


def test_no_recommendation_unties_what_reads_the_others_data_but_of_the_baseline(chain, document):
    advised = markdown([chain]).partition("## Recommendations")[2].partition("##")[0]
    assert "halve task_8" in advised
    assert "side by side" not in advised
    assert "side by side" in markdown([document]).partition("## Recommendations")[2].partition("##")[0]
