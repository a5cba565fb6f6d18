"""The prediction against an oracle that plays definitions: a tree of running parts that knows what is ready."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from k1n_support.examples import share
from pytest_k1n.core.model import TaskRecord, TaskStatus, WorkflowDefinition, WorkflowTask
from pytest_k1n.workers.directed import predict


def simple(ref, **options):
    return WorkflowTask(ref=ref, name=f"type_{ref}", **options)


def fork(ref, *branches, join_on):
    return (
        WorkflowTask(ref=ref, name=ref, type="FORK_JOIN", branches=branches),
        WorkflowTask(ref=f"{ref}_join", name="join", type="JOIN", join_on=join_on),
    )


def switch(ref, default=(), **cases):
    return WorkflowTask(ref=ref, name=ref, type="SWITCH", cases=cases, default_case=default)


def loop(ref, *body, **options):
    return WorkflowTask(ref=ref, name=ref, type="DO_WHILE", loop_over=body, **options)


def other(ref, type_, **options):
    return WorkflowTask(ref=ref, name=ref, type=type_, **options)


def record(ref, status="COMPLETED", *, iteration=0, seq=1, attempt=0, type_=None, output=None, input=None):
    return TaskRecord(
        ref=ref, iteration=iteration, task_id=f"{ref}-{iteration}-{attempt}", type=type_ or f"type_{ref}",
        def_name=ref, status=TaskStatus(status), attempt=attempt, seq=seq, output=output or {}, input=input or {},
    )  # fmt: skip


def ready(*tasks, records=()):
    found = predict(WorkflowDefinition(name="W", tasks=tasks), records).types
    assert all(name.startswith("type_") for name in found)
    return {name.removeprefix("type_") for name in found}


A, B, C, D, E = (simple(ref) for ref in "abcde")
FORK = fork("f", (A, B), (C,), join_on=("b", "c"))


def test_a_chain_has_one_next_task():
    assert ready(A, B, C) == {"a"}
    assert ready(A, B, C, records=[record("a")]) == {"b"}
    assert ready(A, B, C, records=[record("a"), record("b", "IN_PROGRESS")]) == set()


def test_every_branch_head_follows_a_fork_and_the_rest_waits_for_all_branches():
    assert ready(*FORK, D) == {"a", "c"}
    assert ready(*FORK, D, records=[record("a"), record("c")]) == {"b"}
    assert ready(*FORK, D, records=[record("a"), record("c"), record("b")]) == {"d"}


def test_every_case_may_follow_a_switch_until_one_has_begun():
    branching = switch("s", default=(C,), x=(A,), y=(B,))
    assert ready(branching, D) == {"a", "b", "c"}
    assert ready(branching, D, records=[record("b", "IN_PROGRESS")]) == set()
    assert ready(branching, D, records=[record("b")]) == {"d"}
    chosen = record("s", type_="SWITCH", output={"selectedCase": "x"})
    assert ready(branching, D, records=[chosen]) == {"a"}
    unknown = record("s", type_="SWITCH", output={"selectedCase": "z"})
    assert ready(branching, D, records=[unknown]) == {"c"}


def test_a_switch_without_default_may_be_passed_by():
    assert ready(switch("s", x=(A,)), D) == {"a", "d"}


def test_a_loop_may_begin_again_or_be_over_after_its_body():
    body = loop("l", A, B)
    assert ready(body, C) == {"a"}
    assert ready(body, C, records=[record("a", iteration=1)]) == {"b"}
    assert ready(body, C, records=[record("a", iteration=1), record("b", iteration=1)]) == {"a", "c"}
    second = [record("a", iteration=1), record("b", iteration=1), record("a", iteration=2)]
    assert ready(body, C, records=second) == {"b"}
    over = record("l", iteration=2, type_="DO_WHILE", seq=9)
    assert ready(body, C, records=[*second, over]) == {"c"}


def test_a_loop_over_items_may_have_none():
    assert ready(loop("l", A, raw={"items": "${workflow.input.x}"}), C) == {"a", "c"}


def test_a_failed_attempt_may_be_tried_again_and_an_optional_one_be_left():
    assert ready(A, B, records=[record("a", "FAILED")]) == {"a"}
    assert ready(simple("a", optional=True), B, records=[record("a", "TIMED_OUT")]) == {"a", "b"}
    assert ready(A, B, records=[record("a", "FAILED_WITH_TERMINAL_ERROR")]) == set()
    assert ready(A, B, records=[record("a", "FAILED"), record("a", attempt=1, seq=2)]) == {"b"}


def test_what_ends_by_itself_does_not_hold_up_the_prediction():
    assert ready(other("v", "SET_VARIABLE"), other("h", "HTTP"), A) == {"a"}
    assert ready(other("t", "TERMINATE"), A) == set()


def test_what_only_the_execution_knows_is_left_to_the_slow_round():
    for kind in ("SUB_WORKFLOW", "WAIT", "HUMAN", "DYNAMIC", "FORK_JOIN_DYNAMIC"):
        prediction = predict(WorkflowDefinition(name="W", tasks=(other("x", kind), other("j", "JOIN"), A)), [])
        assert (prediction.types, prediction.is_certain) == (frozenset(), False), kind
    assert ready(other("x", "WAIT"), A, records=[record("x", type_="WAIT")]) == {"a"}


def later(*tasks, records=()):
    found = predict(WorkflowDefinition(name="W", tasks=tasks), records)
    assert not found.later & found.types
    return {name.removeprefix("type_") for name in found.later}


def test_what_follows_an_open_wait_person_or_child_is_told_apart():
    for kind in ("SUB_WORKFLOW", "WAIT", "HUMAN"):
        opened = record("x", "IN_PROGRESS", type_=kind)
        assert later(other("x", kind), A, B, records=[opened]) == {"a"}
        assert later(other("x", kind), A, B, records=[record("x", type_=kind)]) == set()
        assert later(other("x", kind), other("h", "HTTP"), switch("s", default=(B,), x=(A,)), C) == {"a", "b"}
        assert later(other("x", kind), *FORK, D) == {"a", "c"}
        assert later(loop("l", other("x", kind), A), C, records=[record("x", "IN_PROGRESS", iteration=1)]) == {"a"}
        assert later(other("x", kind), loop("l", A, loop("m", B)), C) == {"a"}
    assert later(other("x", "WAIT"), other("t", "TERMINATE"), A) == set()
    assert later(other("x", "WAIT"), other("d", "DYNAMIC"), A) == set()


def test_a_join_of_a_branch_that_waits_lets_go_on_what_is_behind_it_later():
    waiting = fork("f", (A,), (other("x", "HUMAN"),), join_on=("a", "x"))
    assert (ready(*waiting, D), later(*waiting, D)) == ({"a"}, set())
    assert (ready(*waiting, D, records=[record("a")]), later(*waiting, D, records=[record("a")])) == (set(), {"d"})
    both = [record("a"), record("x", type_="HUMAN", seq=2)]
    assert (ready(*waiting, D, records=both), later(*waiting, D, records=both)) == ({"d"}, set())


def test_what_may_be_ready_now_and_later_is_ready_now():
    either = switch("s", x=(other("x", "WAIT"),))
    assert (ready(either, A), later(either, A)) == ({"a"}, set())


def test_a_task_that_came_proves_that_the_wait_before_it_is_over():
    tasks = other("x", "WAIT"), A, B
    assert (ready(*tasks, records=[record("a")]), later(*tasks, records=[record("a")])) == ({"b"}, set())
    cases = other("x", "WAIT"), switch("s", x=(A, B))
    assert ready(*cases, records=[record("a")]) == {"b"}


def hides(*tasks, records=()):
    return predict(WorkflowDefinition(name="W", tasks=tasks), records).hides


def test_what_only_a_look_tells_is_hidden_until_it_has_been_looked_at():
    for kind in ("DYNAMIC", "FORK_JOIN_DYNAMIC", "SUB_WORKFLOW"):
        assert hides(other("x", kind), A), kind
        assert hides(other("w", "WAIT"), other("x", kind)), kind
        assert not hides(A, other("x", kind)), kind
        assert not hides(other("x", kind), A, records=[record("x", type_=kind)]), kind
    begun = record("x", "IN_PROGRESS", type_="SUB_WORKFLOW")
    assert hides(other("x", "SUB_WORKFLOW"), records=[begun])
    assert not hides(other("x", "SUB_WORKFLOW"), records=[replace(begun, sub_workflow_id="child")])
    assert hides(A, records=[record("forked", "SCHEDULED", type_="SUB_WORKFLOW")])


def test_a_dynamic_forks_join_is_over_once_all_have_ended_that_its_record_names():
    tasks = other("x", "FORK_JOIN_DYNAMIC"), other("j", "JOIN"), A
    join = record("j", "IN_PROGRESS", type_="JOIN", input={"joinOn": ["f1", "f2"]})
    known = [record("x", type_="FORK"), record("f1"), join]
    assert ready(*tasks, records=known) == set()
    assert ready(*tasks, records=[*known, record("f2", "IN_PROGRESS")]) == set()
    assert ready(*tasks, records=[*known, record("f2")]) == {"a"}
    second = [
        replace(each, iteration=2, **({"input": {"joinOn": ["f1__2", "f2__2"]}} if each.ref == "j" else {}))
        for each in [*known, record("f2")]
    ]
    assert "a" in ready(loop("l", *tasks), records=second)


def test_behind_a_dynamic_fork_of_sub_workflows_a_task_may_be_ready_at_any_time():
    fork = other("f", "FORK_JOIN_DYNAMIC")
    join = other("j", "JOIN")
    records = [
        record("f", type_="FORK"),
        record("j", "IN_PROGRESS", type_="JOIN", input={"joinOn": ["f1", "f2"]}),
        record("f1", "IN_PROGRESS", type_="SUB_WORKFLOW"),
        record("f2", "COMPLETED", type_="SUB_WORKFLOW"),
    ]

    def later(*records):
        return predict(WorkflowDefinition(name="W", tasks=(fork, join, A)), records).later

    assert later(*records) == {"type_a"}
    assert later(*records[:-1], record("f2", "IN_PROGRESS", type_="work")) == frozenset()


def test_a_dynamically_forked_task_is_polled_once_its_record_is_known():
    forked = other("x", "FORK_JOIN_DYNAMIC"), other("j", "JOIN"), A
    records = [record("x", type_="FORK"), record("x1", "SCHEDULED"), record("x2", "COMPLETED")]
    assert ready(*forked, records=records) == {"x1"}


def test_a_user_defined_type_is_polled_by_its_type():
    assert predict(WorkflowDefinition(name="W", tasks=(other("x", "MY_TYPE"),)), []).types == {"MY_TYPE"}


# The oracle plays a definition as a tree of parts; `settle` passes operators by and returns the ready attempts.


class Attempt:
    def __init__(self, task, iteration, number, status):
        self.task, self.iteration, self.number, self.status = task, iteration, number, status
        self.done = False

    def settle(self, log):
        return [] if self.done else [self]


class Operator:
    def __init__(self, task, iteration, type_, output=None):
        self.task, self.iteration, self.type, self.output = task, iteration, type_, output
        self.done = False

    def settle(self, log):
        if not self.done:
            self.done = True
            log.append((self.task.ref, "COMPLETED", self.iteration, self.type, 0, self.output))
        return []


class InTurn:
    def __init__(self, parts):
        self.parts = parts

    @property
    def done(self):
        return all(part.done for part in self.parts)

    def settle(self, log):
        for part in self.parts:
            if found := part.settle(log):
                return found
        return []


class AtOnce(InTurn):
    def settle(self, log):
        return [attempt for part in self.parts for attempt in part.settle(log)]


def played(draw, tasks, iteration):
    parts = []
    for task in tasks:
        if task.type == "FORK_JOIN":
            parts.append(Operator(task, iteration, "FORK"))
            parts.append(AtOnce([played(draw, branch, iteration) for branch in task.branches]))
        elif task.type == "JOIN":
            parts.append(Operator(task, iteration, "JOIN"))
        elif task.type == "SWITCH":
            case = draw(st.sampled_from([*task.cases, "else"]))
            parts.append(Operator(task, iteration, "SWITCH", {"selectedCase": case}))
            parts.append(played(draw, task.cases.get(case, task.default_case), iteration))
        elif task.type == "DO_WHILE":
            parts += [played(draw, task.loop_over, n) for n in range(1, draw(st.integers(1, 3)) + 1)]
            parts.append(Operator(task, iteration, "DO_WHILE"))
        elif draw(st.booleans()):
            parts += [Attempt(task, iteration, 0, "FAILED"), Attempt(task, iteration, 1, "COMPLETED")]
        else:
            parts.append(Attempt(task, iteration, 0, "COMPLETED"))
    return InTurn(parts)


@st.composite
def task_lists(draw, depth=3, prefix="t"):
    """Draw a legal list of tasks; refs are unique because they spell their place."""
    tasks = []
    for index in range(draw(st.integers(1, 3))):
        ref = f"{prefix}{index}"
        kind = draw(st.sampled_from(["SIMPLE", "SIMPLE", "FORK_JOIN", "SWITCH", "DO_WHILE"])) if depth else "SIMPLE"
        inner = [draw(task_lists(depth - 1, f"{ref}{branch}")) for branch in "xy"] if kind != "SIMPLE" else []
        if kind == "FORK_JOIN":
            tasks += fork(ref, *inner, join_on=tuple(branch[-1].ref for branch in inner))
        elif kind == "SWITCH":
            tasks.append(switch(ref, default=draw(st.sampled_from([(), inner[0]])), case=inner[1]))
        elif kind == "DO_WHILE":
            tasks.append(loop(ref, *inner[0]))
        else:
            tasks.append(simple(ref))
    return tuple(tasks)


@share(0.6)
@given(st.data())
def test_whatever_is_ready_is_predicted(data):
    definition = WorkflowDefinition(name="W", tasks=data.draw(task_lists()))
    root, log = played(data.draw, definition.tasks, 0), []
    sees_operators, sees_scheduled = data.draw(st.booleans()), data.draw(st.booleans())
    while True:
        waiting = root.settle(log)
        if not waiting:
            break
        records = [
            record(ref, status, iteration=iteration, seq=seq, attempt=attempt, type_=type_, output=output)
            for seq, (ref, status, iteration, type_, attempt, output) in enumerate(log)
            if sees_operators or type_.startswith("type_")
        ]
        if sees_scheduled:
            records += [
                record(one.task.ref, "SCHEDULED", iteration=one.iteration, seq=999, attempt=one.number)
                for one in waiting
            ]
        prediction = predict(definition, records)
        assert {one.task.name for one in waiting} <= prediction.types
        assert prediction.is_certain
        chosen = data.draw(st.sampled_from(waiting))
        chosen.done = True
        log.append((chosen.task.ref, chosen.status, chosen.iteration, chosen.task.name, chosen.number, None))
