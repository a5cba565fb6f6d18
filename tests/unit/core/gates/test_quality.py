"""The verdict over all gates, and how it is written down."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from pytest_k1n.core.definition.fingerprint import definition_hash
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.gates import (
    CATEGORIES,
    PROBES,
    BatchObservation,
    CategoryVerdict,
    GateSettings,
    evaluate,
    gate_results,
    judge,
    probe_output,
    quality_document,
    single,
)
from pytest_k1n.core.gates.quality import Quality
from pytest_k1n.core.wire.wire import workflow_definition


def observed(build, **fields):
    fields = {"logs": {"id-a-0-0": ((build.ZERO + 5, "done"),)}} | fields
    return build.observation(build.task("a", 2, 100), **fields)


def quality(**categories):
    """A quality of which some categories came out otherwise: G1=(passed, failed, unknown)."""
    results = []
    for category in CATEGORIES:
        passed, failed, unknown = categories.get(category.id, (0, 0, 0))
        verdict = CategoryVerdict.FAIL if failed else CategoryVerdict.UNKNOWN if unknown else CategoryVerdict.PASS
        blank = judge(replace(category, single=None, joint=None), BatchObservation(observations={}), GateSettings())
        results.append(replace(blank, verdict=verdict, passed=passed, failed=failed, unknown=unknown))
    return Quality(categories=tuple(results), settings=GateSettings(), definitions=(("wf", "wf-1", "abc"),))


def test_only_categories_that_had_something_to_judge_are_counted():
    found = quality(G1=(3, 0, 0), G2=(2, 1, 0), G6=(0, 0, 1))
    assert [each.id for each in found.evaluated] == ["G1", "G2"]
    assert found.categories_passed == 1


def test_a_good_execution_passes_but_so_few_checks_promise_little(build):
    found = evaluate(single(observed(build)))
    assert found.rate == 1.0
    assert found.verdict is Verdict.WARN
    assert found.reasons[0].startswith("7 of 7 checks passed, 100.0%; so few promise no more than 64.6%")


@pytest.mark.parametrize(
    ("categories", "verdict", "rate_verdict"),
    [
        ({"G1": (100, 0, 0)}, Verdict.PASS, Verdict.PASS),
        ({"G1": (99, 1, 0)}, Verdict.FAIL, Verdict.WARN),
        ({"G6": (195, 5, 0)}, Verdict.WARN, Verdict.WARN),
        ({"G6": (94, 6, 0)}, Verdict.FAIL, Verdict.FAIL),
        ({"G1": (100, 0, 1)}, Verdict.UNKNOWN, Verdict.PASS),
        ({"G6": (100, 0, 5)}, Verdict.PASS, Verdict.PASS),
        ({"G6": (100, 0, 6)}, Verdict.FAIL, Verdict.FAIL),
        ({}, Verdict.UNKNOWN, Verdict.UNKNOWN),
    ],
)
def test_the_verdict_weighs_blocking_gates_the_rate_and_what_is_unknown(categories, verdict, rate_verdict):
    found = quality(**categories)
    assert (found.verdict, found.rate_verdict) == (verdict, rate_verdict), found.reasons


def test_a_lower_rate_can_be_asked_for():
    found = replace(quality(G6=(90, 10, 0)), settings=GateSettings(min_pass_rate=0.9))
    assert found.rate_verdict is Verdict.WARN


def test_simulated_checks_count_apart(build):
    template = build.template(estimates_ms={"a": 980})
    scaled = build.observation(
        build.task("a", 2, 100, simulated=True), template=template, time_model="scaled", speed=10
    )
    found = evaluate(single(scaled))
    assert found.checks.simulated == 2
    assert found.category("G6").evaluated == 0


def test_the_document_has_the_fields_of_a_results_file(build):
    document = quality_document(evaluate(single(observed(build))))
    assert json.loads(json.dumps(document)) == document
    assert set(document) >= {"rate", "wilson_low", "checks", "categories", "verdict"}
    assert set(document["checks"]) == {"passed", "failed", "unknown", "simulated", "not_measurable"}
    assert [each["id"] for each in document["categories"]] == [f"G{number}" for number in range(1, 21)]
    assert {"id", "verdict", "passed", "evaluated", "blocking"} <= set(document["categories"][0])


def test_the_document_satisfies_the_schema_of_results_files(build):
    schemas = Path(__file__).parents[4] / "schemas"
    schema = json.loads((schemas / "results.schema.json").read_text())
    gates = {"$ref": "#/$defs/gates", "$defs": schema["$defs"]}
    failed = build.observation(build.task("a", 0, 10, status="FAILED", reason="x"), status="FAILED")
    for batch in (single(observed(build)), single(failed), BatchObservation(observations={})):
        jsonschema.Draft202012Validator(gates).validate(quality_document(evaluate(batch)))


def test_findings_in_the_document_say_which_execution(build):
    other = build.observation(
        build.task("a", 0, 10, status="FAILED", task_id="x"), status="FAILED", fields={"workflowId": "wf-2"}
    )
    document = quality_document(evaluate(BatchObservation(observations={"one": observed(build), "two": other})))
    subjects = [finding["subject"] for finding in document["categories"][0]["findings"]]
    assert subjects == ["two: wf", "two: a"]


def test_results_carry_their_subject_and_a_stable_fingerprint(build):
    failed = build.observation(build.task("a", 0, 10, status="FAILED", reason="x"), status="FAILED")
    again = build.observation(
        build.task("a", 50, 99, status="FAILED", reason="y"), status="FAILED", fields={"workflowId": "wf-9"}
    )
    first, second = (gate_results(evaluate(single(each))) for each in (failed, again))
    assert json.loads(json.dumps(first)) == first
    task = next(each for each in first if each["id"] == "G1" and each["subject"]["ref"] == "a")
    assert (task["verdict"], task["blocking"], task["unit"], task["observed"]) == (
        "fail", True, "refs", "FAILED at attempt 1: x",
    )  # fmt: skip
    assert task["subject"]["workflowId"] == "wf-1"
    assert len(task["evidence"]) <= 3
    same = next(each for each in second if each["id"] == "G1" and each["subject"]["ref"] == "a")
    assert same["fingerprint"] == task["fingerprint"]
    assert len({each["fingerprint"] for each in first}) == len(first)
    assert {each["verdict"] for each in first} <= {"pass", "fail", "unknown", "skip"}


def test_a_probe_says_the_same_as_the_evaluation(build):
    batch = single(observed(build))
    found = evaluate(batch)
    assert list(PROBES) == [f"probe_G{number}" for number in range(1, 19)]
    for name, category in PROBES.items():
        output = probe_output(judge(category, batch, GateSettings()))
        whole = found.category(name.removeprefix("probe_"))
        assert (output["passed"], output["evaluated"], output["blocking"]) == (
            whole.passed, whole.evaluated, whole.blocking,
        )  # fmt: skip
        assert output["verdict"] in ("pass", "warn", "unknown", "fail", "skip")


def test_a_definition_has_one_hash_wherever_it_is_read(build):
    file = build.chain("a", "b")
    stored = json.loads(json.dumps(file)) | {"createTime": 1, "ownerEmail": "x", "timeoutSeconds": 0}
    embedded = {"name": "a", "updateTime": 1}
    for task in stored["tasks"]:
        task |= {"startDelay": 0, "optional": False, "joinOn": [], "inputParameters": {}, "taskDefinition": embedded}
    of_file = definition_hash(workflow_definition(file))
    assert definition_hash(workflow_definition(stored)) == of_file
    stored["tasks"][1]["startDelay"] = 5
    assert definition_hash(workflow_definition(stored)) != of_file


def test_every_category_is_of_the_list():
    assert [category.id for category in CATEGORIES] == [f"G{number}" for number in range(1, 21)]
    assert {category.id for category in CATEGORIES if category.blocking} == {"G1", "G2", "G3", "G4", "G5", "G12"}
    assert all((category.single is None) != (category.joint is None) for category in CATEGORIES)


def test_what_is_found_of_an_execution_in_its_batch_is_not_judged_again_for_itself(build):
    asked = []

    def check(observation, _batch, key, _settings, tally):
        asked.append(key)
        tally.passed(len(observation.execution.tasks))

    batch = BatchObservation(observations={"a": observed(build), "b": observed(build)})
    category = replace(CATEGORIES[0], single=check, joint=None)
    assert judge(category, batch, GateSettings()).passed == 2
    assert judge(category, batch.only("b"), GateSettings()).passed == 1
    assert asked == ["a", "b"]
    assert judge(category, batch.only("b"), GateSettings(quantum_ms=11)).passed == 1
    assert judge(category, replace(batch.only("b"), skips=frozenset("x")), GateSettings()).passed == 1
    assert asked == ["a", "b", "b", "b"]
