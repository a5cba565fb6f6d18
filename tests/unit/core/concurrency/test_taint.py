"""The index over many executions finds what comparing each with each would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.concurrency.taint import MIN_LENGTH, Index, is_telling, traces
from pytest_k1n.core.record.paths import leaves

words = st.sampled_from(
    ["workflow-1", "workflow-2", "task-000-1", "secret42", "a workflow-1 b", "short", "same-text", ""]
)


@st.composite
def executions(draw, build):
    found = []
    for number in range(draw(st.integers(1, 4))):
        tasks = [
            build.task(f"t{place}", place, place + 1, input={"v": draw(words)}, output={"w": draw(words)},
                       name=draw(st.sampled_from(["ship", "pay"])), task_id=f"task-00{number}-{place}")
            for place in range(draw(st.integers(0, 3)))
        ]  # fmt: skip
        found.append(
            build.execution(
                *tasks, workflowId=f"workflow-{number}", workflowName=f"W{number}",
                correlationId=draw(st.sampled_from([None, "corr-0001", "corr-0002"])),
                input={"given": draw(words)}, variables={"x": draw(words)}, definition=build.chain("t0"),
            )
        )  # fmt: skip
    return found


def by_comparing(execution, of):
    """The definition itself, for one pair."""
    foreign, own = traces(of), traces(execution)
    given_ = {value for _, value in leaves(execution.input) if isinstance(value, str)}
    given_ |= {value for _, value in leaves(execution.definition.raw) if isinstance(value, str)}
    found = set()
    if execution.correlation_id and execution.correlation_id == of.correlation_id:
        found.add((execution.name, "correlationId", "correlation id"))
    places = [(execution.name, f"variables.{path}", value, None) for path, value in leaves(execution.variables)]
    for record in execution.tasks:
        places += [(record.ref, f"inputData.{path}", value, None) for path, value in leaves(record.input)]
        places += [(record.ref, f"outputData.{path}", value, record.def_name) for path, value in leaves(record.output)]
    for subject, path, value, made_by in places:
        ids = [what for text, what in foreign.ids.items()
               if len(text) >= MIN_LENGTH and text not in own.ids and text not in given_ and text in value]  # fmt: skip
        makers = own.data.get(value, frozenset()) if made_by is None else {made_by}
        if ids:
            found.add((subject, path, ids[0]))
        elif value in own.data and not any(letter.isdigit() for letter in value):
            pass  # words that its own tasks put out
        elif value in foreign.data and value not in given_ and not set(makers) & foreign.data[value]:
            found.add((subject, path, f"data of {', '.join(sorted(foreign.data[value]))}"))
    return found


def test_the_index_finds_what_comparing_each_with_each_finds(build):
    @given(executions(build))
    def holds(several):
        index = Index(several)
        for execution in several:
            found = index.taints(execution, execution.definition)
            for other in several:
                if other is not execution:
                    told = {(each.subject, each.path, each.source) for each in found.get(other.workflow_id, ())}
                    assert told == by_comparing(execution, other)
            assert execution.workflow_id not in found

    holds()


@pytest.mark.parametrize(
    ("text", "telling"),
    [("approved", False), ("COMPLETED", False), ("2026-11-28", False), ("simulated notify on 0 inputs", False),
     ("short-1", False), ("2026-11-28T10:00:00Z", False), ("Sat, 28 Nov 2026 10:00:00 GMT", False),
     ("IN_PROGRESS", False), ("not_required", False), ("application/json;charset=utf-8", False),
     ("x-artifact", True), ("order-4711", True), ("2026-11-28T10:00:00.123Z", True)],
)  # fmt: skip
def test_what_two_kinds_of_tasks_come_to_by_themselves_tells_nothing(text, telling):
    assert is_telling(text) is telling


def test_equal_refs_of_two_simulated_workflows_are_no_taint(build):
    said = {"summary": "simulated notify on 0 inputs", "state": "approved"}
    several = [
        build.execution(build.task("notify", 0, 1, output=said, name=name, task_id=f"t-{name}"), workflowId=f"w-{name}")
        for name in ("mail", "chat")
    ]
    index = Index(several)
    assert not any(index.taints(each, each.definition) for each in several)


def test_what_one_service_answers_both_is_of_neither(build):
    """A header, a customer of a shared directory: also where a worker passes it on afterwards."""
    said = {"response": {"headers": {"Server": ["nginx/1.25.3"]}, "body": {"customer": "Acme 4711"}}}

    def one(name, *tasks):
        return build.execution(*tasks, workflowId=f"w-{name}", workflowName=name)

    def asks(name):
        return build.task(f"{name}_ask", 0, 1, output=said, type="HTTP", name=f"{name}_ask", task_id=f"h-{name}")

    def works(name):
        return build.task(f"{name}_use", 1, 2, output={"for": "Acme 4711"}, task_id=f"u-{name}")

    several = [one("first", asks("a"), works("a")), one("second", asks("b"), works("b"))]
    assert not any(Index(several).taints(each, each.definition) for each in several)
    leaking = [one("first", works("a")), one("second", asks("b"))]  # a worker made it, and the other's service has it
    index = Index(leaking)
    assert all(index.taints(each, each.definition) for each in leaking)


def test_words_that_two_kinds_of_workers_put_out_are_of_neither(build):
    said = {"message": "order accepted", "by": "system-agent"}

    def one(name, output):
        tasks = (
            build.task(f"{name}_a", 0, 1, output=output, task_id=f"a-{name}"),
            build.task(f"{name}_b", 1, 2, input=said, task_id=f"b-{name}"),
        )
        return build.execution(*tasks, workflowId=f"w-{name}", workflowName=name)

    several = [one("first", said), one("second", said)]
    assert not any(Index(several).taints(each, each.definition) for each in several)
    read = [one("first", said), one("second", {})]  # the second has them from nowhere
    assert Index(read).taints(read[1])
