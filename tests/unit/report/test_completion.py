"""What the completion report tells the plan's owner, and what it leaves open."""

import copy

import pytest

from pytest_k1n.report.completion import markdown


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
            "verdict": "warn", "gates": []}  # fmt: skip


def test_it_counts_the_tasks_names_the_execution_and_says_when(document):
    text = markdown([document])
    execution = document["executions"][0]
    assert f"| COMPLETED | 22 of 22 | none | 0 | {execution['workflow']['workflow_id']} |" in text
    assert f"From {document['run']['started_at']} to {document['run']['ended_at']}; tests: 3 passed." in text
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
    assert "and OTHER ran side by side for 19.26 s of the server's clock." in markdown([document])
    second["raw_started_ms"] = first["raw_ended_ms"]
    assert "and OTHER did not run side by side." in markdown([document])
    second["raw_ended_ms"] = None
    assert "ran side by side was not measured" in markdown([document])


def test_latencies_that_could_not_be_judged_are_one_row(document):
    document["findings"] = [unmeasured(number) for number in range(9)]
    rows = [line for line in markdown([document]).splitlines() if "| not judged |" in line]
    assert len(rows) == 1
    assert "9 latencies were above the limit" in rows[0]
    assert "task_5 and 3 more" in rows[0]


def test_a_speed_up_that_the_definition_does_not_allow_is_said_to_be_out_of_reach(document):
    assert "the plan's 2.67x is out of reach of this definition: its order allows 1.00x." in markdown([document])
    document["executions"][0]["expected_speedup"] = 1.0
    assert "out of reach" not in markdown([document])


def test_the_last_box_names_what_is_open(document):
    text = markdown([document])
    assert "the evidence above says not yet: open are functionality, quality gates," in text
    assert "batch 1, batch 2, results" in text
