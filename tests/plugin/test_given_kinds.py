"""What a test gives `conductor` of another kind: one line that says what to write, from the line of the test."""

import pytest

HEAD = """
import pytest

def task(ref, kind="SIMPLE"):
    return {"name": ref, "taskReferenceName": ref, "type": kind}
SHOP = {"name": "shop", "version": 1, "tasks": [task("charge"), task("ask", "HUMAN")]}
"""
GIVEN = """
@pytest.mark.parametrize(("given", "said"), [
    ({"handlers": 3}, "handlers: write {'charge': a callable}, a module or its name, not 3"),
    ({"handlers": ["charge"]}, "handlers: write {'charge': a callable}, a module or its name, not ['charge']"),
    ({"takes": "3m"}, "takes: write {'charge': '12m'}, not '3m'"),
    ({"takes": {"charge": 3}}, "takes: charge: 3 is not a duration: write a text with its unit, as in '30s'"),
    ({"answers": "yes"}, "answers: write {'approve': {'after': '2h', 'output': {…}}}, not 'yes'"),
    ({"answers": {"ask": {"after": 2}}}, "answers: ask.after: 2 is not a duration"),
    ({"children": {"nmae": "kid"}}, "children: {'nmae': 'kid'} is no workflow: it has no name"),
    ({"children": [{"name": "kid"}]}, "children: {'name': 'kid'} is no workflow: it has no name, or no tasks"),
])
def test_it(conductor, given, said):
    with pytest.raises(ValueError) as refused:
        conductor.run(SHOP, **given)
    assert str(refused.value).startswith(said)
    assert "pytest_k1n" not in str(refused.traceback[-1].path) or refused.traceback[-1].ishidden(refused)

def test_none_is_nothing(conductor):
    nothing = dict.fromkeys(["input", "handlers", "children", "takes", "http", "event_handlers", "task_definitions"])
    assert conductor.run(SHOP, answers={"ask": {}}, **nothing).status == "COMPLETED"
"""
REFS = """
@pytest.mark.parametrize("call", ["complete", "wait_for", "waiting", "child", "task"])
def test_a_ref_is_a_text(conductor, call):
    execution = conductor.start(SHOP)
    for given in (None, 3, ["charge"], {"charge": 1}):
        with pytest.raises(ValueError, match="is no ref: write the text of its taskReferenceName"):
            getattr(execution, call)(given)

def test_a_misspelt_ref_is_not_just_not_waiting(conductor):
    execution = conductor.start(SHOP)
    assert execution.waiting("charge")
    assert not execution.waiting("ask")
    with pytest.raises(LookupError, match="asc cannot come in .* did you mean ask"):
        execution.waiting("asc")
"""


@pytest.mark.parametrize(("source", "passed"), [(GIVEN, 9), (REFS, 6)], ids=["given", "refs"])
def test_it_is_told(empty_project, source, passed):
    outcome = empty_project.test("shop", HEAD + source).run()
    assert outcome.counts == {"passed": passed}, outcome.text
