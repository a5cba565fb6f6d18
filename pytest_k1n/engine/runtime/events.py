"""Event handlers: what follows when an EVENT task has published to the internal queue.

They act at the very instant. The server begins to listen to an event up to a minute after the first handler for it was
registered, and to no more events at once than it has processors.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from pytest_k1n.core.java_text import java_text
from pytest_k1n.engine.language import jsonpath
from pytest_k1n.engine.language.expressions import pieces
from pytest_k1n.engine.language.pathsteps import MISSING
from pytest_k1n.engine.language.scripts import ScriptError, Scripts, is_true
from pytest_k1n.engine.problems import Illegal, Problem, Unknown
from pytest_k1n.engine.runtime.agenda import Agenda
from pytest_k1n.engine.runtime.ports import Listener
from pytest_k1n.engine.runtime.taskresults import TaskResult
from pytest_k1n.engine.state import ExecutionState, TaskState
from pytest_k1n.engine.status import COMPLETED, FAILED
from pytest_k1n.engine.values import JsonObject

_NAME: Final = "conductor.event.name"
_MESSAGE_ID: Final = "conductor.event.messageId"


class EventHandlers:
    """The registered handlers, by name, in the order of their registration."""

    def __init__(self, engine: Listener, agenda: Agenda, scripts: Scripts) -> None:
        self._engine = engine
        self._agenda = agenda
        self._scripts = scripts
        self._handlers: dict[str, JsonObject] = {}

    def share(self, others: EventHandlers) -> None:
        """Know, from now on, the same handlers as another engine."""
        self._handlers = others._handlers

    def add(self, handler: JsonObject) -> None:
        """Register a handler. Raises Illegal for a name that is taken."""
        if handler["name"] in self._handlers:
            raise Illegal(f"EventHandler with name {handler['name']} already exists!")
        self._handlers[handler["name"]] = handler

    def replace(self, handler: JsonObject) -> None:
        """Put a handler in the place of its namesake. Raises Illegal."""
        self._demand(handler["name"])
        self._handlers[handler["name"]] = handler

    def remove(self, name: str) -> None:
        """Forget a handler. Raises Illegal."""
        self._demand(name)
        del self._handlers[name]

    def all(self) -> list[JsonObject]:
        """Return every handler."""
        return list(self._handlers.values())

    def of(self, event: str, *, active_only: bool) -> list[JsonObject]:
        """Return the handlers of an event."""
        return [
            handler
            for handler in self._handlers.values()
            if handler["event"] == event and (handler["active"] or not active_only)
        ]

    def publish(self, task: TaskState) -> None:
        """Have every active handler of what a task has published act on it, after what is being done now.

        The message has the task's id.
        """
        event = str(task.output["event_produced"])
        if self.of(event, active_only=True):
            self._agenda.soon(self._handle, (event, task.task_id, task.output))

    def _demand(self, name: str) -> None:
        if name not in self._handlers:
            raise Illegal(f"EventHandler with name {name} not found!")

    def _handle(self, published: tuple[str, str, JsonObject]) -> None:
        event, message_id, payload = published
        about = {_MESSAGE_ID: message_id, _NAME: event}
        for handler in self.of(event, active_only=True):
            try:
                holds = self._holds(handler, payload)
            except ScriptError:
                return  # as on the server, where it takes the handlers behind it down with it
            if holds:
                for action in handler["actions"]:
                    with suppress(Problem):  # a failing action is only logged there; the next one is tried
                        self._act(action, payload, about)

    def _holds(self, handler: JsonObject, payload: JsonObject) -> bool:
        condition, evaluator = handler.get("condition"), handler.get("evaluatorType")
        if not condition:
            return True
        is_name = evaluator == "value-param"  # a type that there is not is taken for JavaScript
        return is_true(payload.get(condition) if is_name else self._scripts.javascript(condition, payload))

    def _act(self, action: JsonObject, payload: JsonObject, about: JsonObject) -> None:
        act = _ACTIONS.get(action["action"])
        asked = action.get(action["action"])
        if act is not None and asked is not None:  # the others are registered, and nothing comes of them (3.32.1)
            act(self._engine, asked, expanded(payload) if action["expandInlineJSON"] else payload, about)


def _start(engine: Listener, asked: JsonObject, payload: JsonObject, about: JsonObject) -> None:
    execution = engine.start_soon(
        engine.find(asked["name"], asked.get("version")),
        {**filled(asked.get("input") or {}, payload), **about},
        correlation_id=filled(asked.get("correlationId"), payload),
        domains=asked.get("taskToDomain"),
        starter=_publisher(engine, payload),
    )
    execution.event = about[_NAME]


def _publisher(engine: Listener, payload: JsonObject) -> ExecutionState | None:
    """Find the execution whose EVENT task published a message: the server writes its id into it."""
    with suppress(Unknown):
        return engine.execution(str(payload.get("workflowInstanceId")))
    return None


def _end(status: str) -> Callable[[Listener, JsonObject, JsonObject, JsonObject], None]:
    def act(engine: Listener, asked: JsonObject, payload: JsonObject, about: JsonObject) -> None:
        named = {
            name: filled(asked.get(name), payload)
            for name in ("workflowId", "taskRefName", "taskId", "reasonForIncompletion")
        }
        task = _task(engine, named)
        if task is not None:
            output = {**filled(asked.get("output") or {}, payload), **named, **about}
            engine.update(task, TaskResult(status=status, output=output, callback_s=task.callback_s))

    return act


def _task(engine: Listener, named: JsonObject) -> TaskState | None:
    if named["taskId"]:
        return engine.task(str(named["taskId"]))
    execution = engine.execution(str(named["workflowId"]))
    return execution.latest.get(str(named["taskRefName"]))


_ACTIONS: Final = {"start_workflow": _start, "complete_task": _end(COMPLETED), "fail_task": _end(FAILED)}


def filled(template: Any, payload: JsonObject) -> Any:
    """Replace every `${path}` of a template by what the path leads to in a payload, or by null."""
    if isinstance(template, dict):
        return {key: filled(value, payload) for key, value in template.items()}
    if isinstance(template, list):
        return [filled(value, payload) for value in template]
    if not isinstance(template, str) or "${" not in template:
        return template
    found = pieces(template)
    if len(found) == 1 and found[0][1] is not None:
        return _read(found[0][1], payload)
    return "".join(literal if path is None else java_text(_read(path, payload)) for literal, path in found)


def _read(path: str, payload: JsonObject) -> Any:
    rest = path.removeprefix("$")
    try:
        value = jsonpath.parse(rest if rest.startswith((".", "[")) else f".{rest}").read(payload)
    except jsonpath.PathError:
        return None
    return None if value is MISSING else value


def expanded(value: Any) -> Any:
    """Replace every string that holds a JSON object or list by what it holds."""
    if isinstance(value, dict):
        return {key: expanded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [expanded(inner) for inner in value]
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return expanded(json.loads(value))
        except ValueError:
            return value
    return value
