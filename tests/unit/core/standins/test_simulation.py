import subprocess
import sys
from pathlib import Path

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.standins.simulation import DEFAULT_ESTIMATE_MS, sample, simulate


def work(**changes):
    arguments = {"seed": 1, "workflow": "W", "ref": "task_1", "estimate_ms": 390_000, "inputs": {"project": "k1n"}}
    return simulate(**(arguments | changes))


def test_every_duration_is_within_one_percent_of_the_estimate_and_they_differ():
    durations = {work(seed=seed).duration_ms for seed in range(200)}
    assert all(386_100 <= duration <= 393_900 for duration in durations)
    assert len(durations) > 150
    assert min(durations) < 387_500
    assert max(durations) > 392_500


def test_each_attempt_and_iteration_jitters_for_itself():
    assert len({work(attempt=attempt, iteration=n).duration_ms for attempt in range(3) for n in range(3)}) == 9


def test_each_execution_jitters_for_itself_and_makes_the_same_output():
    works = [work(execution=key) for key in ("W/1.0.ab", "W/1.1.ab", "W/1.2.ab")]
    assert len({each.duration_ms for each in works}) == 3
    assert works[0].output == works[1].output == works[2].output


def test_the_same_work_is_the_same_in_another_process():
    code = "from pytest_k1n.core.standins.simulation import simulate\n"
    code += "print(simulate(seed=7, workflow='W', ref='r', estimate_ms=1000, inputs={'b': 1, 'a': [2]}))"
    root = Path(__file__).parents[4]
    shown = {
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": hashing}, cwd=root,
                       capture_output=True, text=True, check=True).stdout
        for hashing in ("1", "2")
    }  # fmt: skip
    assert shown == {f"{simulate(seed=7, workflow='W', ref='r', estimate_ms=1000, inputs={'a': [2], 'b': 1})}\n"}


def test_the_output_depends_on_the_inputs_and_not_on_the_attempt():
    assert work().output != work(inputs={"project": "other"}).output
    assert work().output == work(attempt=1).output
    assert str(work().output["artifact"]).startswith("task_1-")


def test_there_is_a_log_line_and_an_estimate_for_a_task_that_nobody_estimated():
    unestimated = work(estimate_ms=None)
    assert abs(unestimated.duration_ms - DEFAULT_ESTIMATE_MS) <= DEFAULT_ESTIMATE_MS / 100
    assert len(unestimated.logs) >= 1


def test_zero_work_takes_no_time():
    assert work(estimate_ms=0).duration_ms == 0


def test_a_closed_schema_gets_nothing_that_it_forbids():
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "additionalProperties": False}
    assert work(output_schema=schema).output == {"ok": True}


LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer", "minimum": 3},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "null"},
        {"const": "G1"},
        {"enum": ["pass", "fail"]},
        {"type": ["null", "string"]},
        {},
    ]
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda known: {"type": "object", "properties": known, "required": [*known, "z"]}
        ),
        st.tuples(inner, st.integers(0, 2)).map(lambda of: {"type": "array", "items": of[0], "minItems": of[1]}),
    ),
    max_leaves=6,
)


@given(SCHEMAS)
def test_a_sample_satisfies_its_schema(schema):
    jsonschema.validate(sample(schema, "text"), schema)


@given(st.dictionaries(st.sampled_from(["artifact", "n"]), SCHEMAS))
def test_a_simulated_output_satisfies_the_declared_schema(properties):
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    jsonschema.validate(dict(work(output_schema=schema).output), schema)
