"""What-if against the embedded engine: the same change made to the definition gives the same makespan, to the ms."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.schedule.proposals import changes, plan_to
from pytest_k1n.core.schedule.whatif import Impossible, Model, ModelledTask
from pytest_k1n.report.advice import model_of, quantiles, resampled
from pytest_k1n.report.execution_document import JudgedExecution, execution_document

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 25)


def model_on(run, definition):
    observation = observe(run, definition=definition)
    return model_of(execution_document(JudgedExecution(observation=observation, title="x", verdict="pass")))


def chain(**holds):
    before, tasks = (), []
    for ref, hold in holds.items():
        tasks.append(ModelledTask(ref=ref, pool=ref, after=before, gap_ms=1, hold_ms=hold))
        before = (ref,)
    return Model(steps=tuple(tasks), tail_ms=2)


@given(seed=seeds, size=sizes, violate=st.sampled_from((0, 0.3)))
def test_without_a_change_the_recorded_makespan_comes_back_to_the_ms(history, seed, size, violate):
    run = history(seed, size, violate=violate)
    model = model_on(run.execution, run.definition)
    assert model.makespan_ms() == run.execution.ended_ms - run.execution.started_ms
    assert model.makespan_ms({"nobody's": 1}) == model.makespan_ms()


def test_a_shorter_task_moves_what_waits_for_it():
    model = chain(a=10, b=20)
    assert model.makespan_ms() == 34
    assert model.with_duration("b", 5).makespan_ms() == 19
    assert model.without("a").makespan_ms() == 23


def test_side_by_side_takes_as_long_as_the_longest():
    model = chain(a=10, b=20, c=5).side_by_side(["a", "b"])
    assert model.makespan_ms() == 1 + 20 + 1 + 5 + 2


def test_what_runs_between_cannot_run_beside():
    with pytest.raises(Impossible, match="b runs between"):
        chain(a=1, b=1, c=1).side_by_side(["a", "c"])


@pytest.mark.parametrize("refs", [["a"], ["a", "a"], ["a", "nobody"]])
def test_a_group_that_is_none_is_refused_in_one_line(refs):
    with pytest.raises(Impossible) as refused:
        chain(a=1, b=1).side_by_side(refs)
    assert "\n" not in str(refused.value)


def test_a_pool_of_one_serves_one_after_the_other():
    tasks = [ModelledTask(ref=f"t{n}", pool="work", after=(), gap_ms=0, queue_ms=n, hold_ms=10) for n in range(3)]
    model = Model(steps=tuple(tasks))
    assert model.makespan_ms() == 12
    assert [model.makespan_ms({"work": count}) for count in (1, 2, 3)] == [30, 20, 10]


def test_the_smallest_shortening_that_reaches_a_target_is_offered():
    model = chain(a=100, b=200)
    shorter = [each for each in changes(model, target_ms=250) if each.text.startswith("shorten")]
    assert [each.text for each in shorter] == ["shorten a by 54%", "shorten b by 27%"]
    for each in shorter:
        hold_ms = each.model.step(each.refs[0]).hold_ms
        assert each.makespan_ms == 250
        assert each.model.with_duration(each.refs[0], hold_ms + 1).makespan_ms() == 251


def test_several_changes_are_put_together_where_one_is_not_enough():
    steps = plan_to(chain(a=100, b=100, c=100, d=100), 110)
    assert steps[-1].makespan_ms <= 110


def test_a_proposal_says_whose_data_stands_in_the_way():
    model = chain(a=10, b=20)
    tied = replace(model, steps=(model.steps[0], replace(model.steps[1], reads=frozenset({"a"}))))
    (offer,) = [each for each in changes(tied) if "side by side" in each.text]
    assert offer.note == "b must not read a"


def test_whole_executions_are_drawn_so_that_their_tasks_stay_together():
    drawn = resampled([10, 20, 30], samples=1000, seed=1)
    assert set(drawn) == {10, 20, 30}
    assert quantiles(range(100)) == [5, 50, 90, 95]


def of_a_loop():
    rounds = [ModelledTask(ref=f"w__{n}", pool="w", after=(f"w__{n - 1}",) if n > 1 else (), gap_ms=1, hold_ms=10)
              for n in (1, 2, 3)]  # fmt: skip
    loop = ModelledTask(ref="lo", pool=None, after=("w__3",), gap_ms=2, hold_ms=0, operator="DO_WHILE")
    return Model(steps=(*rounds, loop))


def test_the_name_of_a_task_in_a_loop_stands_for_all_its_rounds():
    model = of_a_loop()
    assert model.refs_of("w") == ["w__1", "w__2", "w__3"]
    assert model.refs_of("w__2") == ["w__2"]
    with pytest.raises(Impossible, match="'x' is no task of this execution"):
        model.refs_of("x")


@pytest.mark.parametrize(
    "edit", [lambda model: model.with_duration("lo", 5), lambda model: model.without("lo")], ids=["takes", "without"]
)
def test_a_step_of_the_control_flow_takes_what_its_tasks_take(edit):
    with pytest.raises(Impossible, match="lo is a DO_WHILE"):
        edit(of_a_loop())


def test_workers_of_a_definition_that_nobody_serves_are_refused_and_too_many_cost_nothing():
    model = of_a_loop()
    with pytest.raises(
        Impossible, match="'lo' is no task definition that workers serve in this execution; there are w"
    ):
        model.limited({"lo": 2})
    assert model.makespan_ms(model.limited({"w": 10**15})) == model.makespan_ms()


@given(seed=seeds, size=sizes)
def test_only_tasks_of_a_longest_path_can_shorten_an_execution(history, seed, size):
    run = history(seed, size)
    model = model_on(run.execution, run.definition)
    path = {step.ref for step in model.longest_path()}
    for step in model.steps:
        if step.ref not in path and step.pool is not None and step.has_run:
            assert model.with_duration(step.ref, 0).makespan_ms() == model.makespan_ms()


def test_the_advice_for_thousands_of_tasks_tries_none_of_them(monkeypatch):
    branches = [
        ModelledTask(ref=f"b{number}", pool="b", after=("a",), gap_ms=1, hold_ms=number) for number in range(4000)
    ]
    start = ModelledTask(ref="a", pool="a", after=(), gap_ms=0, hold_ms=10)
    model = Model(steps=(start, *branches))
    tried = []
    monkeypatch.setattr(Model, "with_duration", lambda self, ref, _: tried.append(ref) or self)
    assert {ref for each in changes(model) for ref in each.refs} == {"a", "b3999"}
    assert not tried  # each is known from two makespans of its task


@given(data=st.data(), count=st.integers(0, 12))
def test_the_makespans_of_every_change_of_one_task_are_what_each_change_gives(data, count):
    times = st.integers(-3, 9)
    steps = [
        ModelledTask(
            ref=f"t{place}",
            pool="p",
            after=tuple(f"t{each}" for each in range(place) if data.draw(st.booleans())),
            gap_ms=data.draw(times),
            hold_ms=data.draw(st.integers(0, 9)),
        )
        for place in range(count)
    ]
    model = Model(steps=tuple(steps), tail_ms=2)
    aside, through = model.makespans()
    for place, step in enumerate(steps):
        for hold_ms in (0, step.hold_ms // 2, step.hold_ms, 20):
            assert model.with_duration(step.ref, hold_ms).makespan_ms() == max(aside[place], through[place] + hold_ms)


def test_what_thousands_of_tasks_would_save_is_found_in_linear_time():
    model = chain(**{f"t{place}": 10 for place in range(8000)})
    began = time.process_time()
    found = changes(model)
    assert time.process_time() - began < 5
    assert (found[1].text, found[1].saved_ms, found[1].model.makespan_ms()) == ("halve t0", 5, model.makespan_ms() - 5)
