"""Which handler works on a task: a named one, a script, the simulation."""

import pytest

from pytest_k1n.workers.handler import NamedHandler
from pytest_k1n.workers.registry import BadHandler, Handlers, handler_from
from pytest_k1n.workers.simulated import SIMULATED


def test_a_named_handler_comes_before_a_script_and_a_script_before_the_simulation(agents):
    folder, script = agents
    script("task-1-handler.sh", "exit 0")
    script("task-2-handler.sh", "exit 0")
    named = NamedHandler(name="python:x:y", call=lambda _: None)
    handlers = Handlers({"task_1": named}, agents=folder)
    assert handlers.find("task_1", "task_1") is named
    assert handlers.find("any_ref", "task_2").name == "script:task-2-handler.sh"
    assert handlers.find("task_3", "task_3") is SIMULATED
    assert Handlers({"task_1": named}, agents=folder, mode="simulated").find("task_2", "task_2") is SIMULATED


def test_a_ref_comes_before_a_type():
    by_ref, by_type = (NamedHandler(name=name, call=lambda _: None) for name in ("ref", "type"))
    assert Handlers({"t": by_type, "r": by_ref}).find("r", "t") is by_ref


def test_a_task_name_from_the_server_cannot_reach_a_file(agents):
    folder, script = agents
    script("task-1-handler.sh", "exit 0")
    for name in ("../task-1-handler.sh", "task_../1", "task_1/../task_1", "task_1\n"):
        assert Handlers(agents=folder).find(name, name) is SIMULATED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "is no handler"),
        ("no_such_module_x:f", "cannot be imported"),
        ("json:nothing", "json has no nothing"),
        ("json:__name__", "cannot be called"),
    ],
)
def test_a_handler_that_is_none_is_refused_in_one_line(text, message):
    with pytest.raises(BadHandler, match=message) as caught:
        handler_from(text, None)
    assert "\n" not in str(caught.value)


def test_a_callable_is_found_in_its_module():
    assert handler_from("json:dumps", None).name == "python:json:dumps"
