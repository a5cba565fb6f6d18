"""How a team's callable is called: with its task, or with the task's inputs by the names of its parameters."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from difflib import get_close_matches
from inspect import Parameter
from types import FunctionType
from typing import Any, Final

from pytest_k1n.workers import sdk
from pytest_k1n.workers.handler import Handler, TaskContext, TaskFailed

_TASK_NAMES: Final = frozenset({"task", "context", "ctx", "t", "_"})
"""A parameter of one of these names takes the task, unless it says otherwise by its annotation."""
_EMPTY: Final = inspect.Parameter.empty
_POSITIONAL: Final = inspect.Parameter.POSITIONAL_ONLY
_KEYWORDS: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_NAMED: Final = (_POSITIONAL, *_KEYWORDS)


def as_handler(function: Callable[..., object]) -> Handler:
    """Make a handler of any callable.

    One parameter without an annotation takes the task, or the input of that name where there is one; several
    parameters, annotated ones and `**inputs` take the inputs of their names. A function decorated with
    conductor-python's `@worker_task` is called as that library would.
    """
    if _takes_nothing_but_the_task(function):
        return function
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return function  # a builtin that does not tell what it takes
    parameters = [each for each in signature.parameters.values() if each.kind in _NAMED]
    kinds = {each.kind for each in signature.parameters.values()}
    takes_all = inspect.Parameter.VAR_KEYWORD in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds
    positional = kinds - {*_NAMED, inspect.Parameter.VAR_KEYWORD}
    if sdk.is_worker(function):
        return _CallByName(function, parameters, takes_all=takes_all, is_sdk=True)
    if positional and not parameters:
        return function
    if len(parameters) == 1 and not takes_all and _takes_task(parameters[0]) and parameters[0].kind is _KEYWORDS[0]:
        return function
    return _CallByName(function, parameters, takes_all=takes_all, is_sdk=False)


def _takes_nothing_but_the_task(function: Callable[..., object]) -> bool:
    """Tell so for `lambda task: ...` and its like, most handlers of most tests, without the cost of a signature."""
    if type(function) is not FunctionType or function.__annotations__ or hasattr(function, "__wrapped__"):
        return False
    code = function.__code__
    is_plain = not code.co_kwonlyargcount and not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS)
    return is_plain and code.co_argcount == 1 and not function.__defaults__ and code.co_varnames[0] in _TASK_NAMES


def _takes_task(parameter: inspect.Parameter) -> bool:
    annotation = parameter.annotation
    if annotation in (_EMPTY, Any, object, "Any", "object"):  # which says no more than no annotation
        has_value = parameter.default is not _EMPTY and parameter.default is not None
        return not has_value and parameter.name in _TASK_NAMES
    return annotation is TaskContext or annotation in ("TaskContext", "k1n.TaskContext", "pytest_k1n.TaskContext")


class _CallByName:
    """A callable with what it wants to be called with."""

    def __init__(
        self, function: Callable[..., object], parameters: list[inspect.Parameter], *, takes_all: bool, is_sdk: bool
    ) -> None:
        self._function = function
        self._parameters = parameters
        self._takes_all = takes_all
        self._is_sdk = is_sdk
        self._bound = frozenset(getattr(function, "keywords", None) or ())
        """What a functools.partial has bound already."""
        self._types = _types(function)

    def __call__(self, context: TaskContext) -> object:
        """Call it. Raises TaskFailed where an input is missing that it cannot do without."""
        if len(self._parameters) == 1 and self._wants_whole(self._parameters[0], context):
            return self._with_task(context)
        arguments = self._arguments(context)
        if self._takes_all:
            arguments = {**context.input, **arguments}
        with sdk.task_context(context) if self._is_sdk else nullcontext():
            return self._called(arguments)

    def _called(self, arguments: dict[str, Any]) -> object:
        """Call it with arguments by name, of which those that can only be given by their place go first."""
        places = []
        for parameter in self._parameters:
            if parameter.kind is not _POSITIONAL or parameter.name not in arguments:
                break
            places.append(arguments.pop(parameter.name))
        return self._function(*places, **arguments)

    def _wants_whole(self, parameter: inspect.Parameter, context: TaskContext) -> bool:
        """Tell whether the only parameter takes the task rather than an input."""
        if sdk.is_task_type(self._types.get(parameter.name)):
            return True
        if parameter.annotation is not _EMPTY or parameter.default is not _EMPTY:
            return _takes_task(parameter)
        if self._takes_all or parameter.name in context.input:
            return False
        return self._is_sdk or parameter.name in _TASK_NAMES or not get_close_matches(parameter.name, context.input, 1)

    def _with_task(self, context: TaskContext) -> object:
        parameter = self._parameters[0]
        if self._is_sdk or sdk.is_task_type(self._types.get(parameter.name)):
            with sdk.task_context(context):
                return self._called({parameter.name: sdk.task(context, self._types.get(parameter.name))})
        with self._told_of_the_task(parameter, context):
            returned = self._called({parameter.name: context})
        return self._awaited(returned, parameter, context) if inspect.iscoroutine(returned) else returned

    async def _awaited(self, coroutine: Coroutine[Any, Any, object], parameter: Parameter, context: TaskContext) -> Any:
        with self._told_of_the_task(parameter, context):
            return await coroutine

    @contextmanager
    def _told_of_the_task(self, parameter: Parameter, context: TaskContext) -> Iterator[None]:
        """Have what is raised say that the function had the task, where its author may have meant an input."""
        try:
            yield
        except Exception as error:
            if parameter.name not in _TASK_NAMES and parameter.annotation is _EMPTY:
                has = ", ".join(sorted(context.input)) or "nothing"
                error.add_note(
                    f"{_name_of(self._function)}({parameter.name}) was called with the whole task: "
                    f"the input of {context.ref} has no {parameter.name}; it has {has}"
                )
            raise

    def _arguments(self, context: TaskContext) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        missing = []
        for parameter in self._parameters:
            name = parameter.name
            if name in self._bound:
                continue
            if name in context.input:
                arguments[name] = _converted(context.input[name], self._types.get(name))
            elif not self._is_sdk and _takes_task(parameter):
                arguments[name] = context
            elif parameter.default is not _EMPTY:
                continue
            elif self._is_sdk:
                arguments[name] = None
                context.log(f"input has no {name}: conductor-python calls the worker with None")
            else:
                missing.append(name)
        if missing:
            shown = _name_of(self._function)
            has = ", ".join(sorted(context.input)) or "nothing"
            raise TaskFailed(
                f"{shown}() needs {', '.join(missing)}, which the input of {context.ref} does not have; it has {has}",
                terminal=True,
            )
        return arguments


def _name_of(function: Callable[..., object]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def _types(function: Callable[..., object]) -> Mapping[str, Any]:
    """Return the types of a callable's parameters, those written as text resolved where they can be."""
    try:
        return typing.get_type_hints(inspect.unwrap(getattr(function, "func", function)))
    except Exception:  # an annotation may name anything
        return {}


def _converted(value: Any, wanted: Any) -> Any:
    """Make dataclasses of the objects of an input, as conductor-python does for an annotated parameter."""
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type) and isinstance(value, Mapping):
        types = _types(wanted)
        fields = [each for each in dataclasses.fields(wanted) if each.init]
        given = {each.name: _converted(value[each.name], types.get(each.name)) for each in fields if each.name in value}
        absent = [
            each.name
            for each in fields
            if each.name not in value
            and each.default is dataclasses.MISSING
            and each.default_factory is dataclasses.MISSING
        ]
        return wanted(**given, **dict.fromkeys(absent))
    arguments = typing.get_args(wanted)
    if isinstance(value, list) and len(arguments) == 1 and typing.get_origin(wanted) is list:
        return [_converted(each, arguments[0]) for each in value]
    return value
