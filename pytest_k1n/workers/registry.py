"""Which handler serves a task: one that was named for it, else its script, else the simulation."""

from __future__ import annotations

import importlib
import inspect
import traceback
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Literal

from pytest_k1n.core.model import Json
from pytest_k1n.workers.calling import as_handler
from pytest_k1n.workers.handler import NamedHandler
from pytest_k1n.workers.script import BadScript, checked_script, find_scripts, script_handler
from pytest_k1n.workers.sdk import task_type_of
from pytest_k1n.workers.simulated import SIMULATED, simulated_with

Mode = Literal["auto", "simulated"]
Given = Mapping[str, NamedHandler | Callable[..., object] | Mapping[str, Json]]
"""Ref or task name -> what does its work, or an example of its output."""


class BadHandler(ValueError):
    """A handler that cannot be found or called; says which, and how to write it."""


class Handlers:
    """Handlers by ref or task name; remembers which keys have served a task."""

    def __init__(
        self,
        named: Given | None = None,
        *,
        offered: Mapping[str, NamedHandler] | None = None,
        agents: Path | None = None,
        mode: Mode = "auto",
        rest: NamedHandler = SIMULATED,
    ) -> None:
        """Collect handlers: `named` one by one, `offered` by a module, scripts of a folder (in mode `auto` only).

        `rest` serves the tasks that have none.

        Raises BadScript, BadHandler.
        """
        self._named = {task: as_named(handler) for task, handler in (named or {}).items()}
        self._offered = offered or {}
        self._scripts = find_scripts(agents) if agents is not None and mode == "auto" else {}
        self._sources = [each for each in (self._named, self._offered, self._scripts) if each]
        self._served: set[str] = set()
        self.rest = rest
        self.raised: list[BaseException] = []
        """What handlers have raised on a worker's thread that is for the test."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The refs and task names that handlers were given for."""
        return (*self._named, *self._offered, *self._scripts)

    @property
    def named(self) -> tuple[str, ...]:
        """The tasks that handlers were named for, one by one or by a module."""
        return (*self._named, *self._offered)

    def hear(self) -> None:
        """Raise what a handler has raised for the test."""
        if self.raised:
            raise self.raised[0]

    def find(self, ref: str, task_type: str, *, name: str = "", iteration: int = 0) -> NamedHandler:
        """Return the handler of a task; `rest` if nothing else serves it.

        A key is a ref of one iteration (`work__2`), a ref, a task's name, or its type, in this order of precedence.
        """
        return self.own(ref, task_type, name=name, iteration=iteration) or self.rest

    def own(self, ref: str, task_type: str, *, name: str = "", iteration: int = 0) -> NamedHandler | None:
        """Return the handler that was given for a task; None if it would be simulated."""
        for handlers in self._sources:
            for key in _keys(ref, task_type, name, iteration):
                if key in handlers:
                    self._served.add(key)
                    return handlers[key]
        return None

    def example(self, ref: str, task_type: str) -> Mapping[str, Json] | None:
        """Return the output that was given as an example for a task; None if there is none."""
        found = self.own(ref, task_type)
        return found.example if found is not None else None

    def has(self, ref: str, task_type: str, *, name: str = "", iteration: int = 0) -> bool:
        """Tell whether a task has a handler of its own, without counting as its use."""
        return any(key in handlers for handlers in self._sources for key in _keys(ref, task_type, name, iteration))

    def unmatched(self, known: Collection[str], looped: Collection[str] = ()) -> tuple[str, ...]:
        """Return the keys that have served no task and name none of `known`; a module's only if all of them do.

        Of a ref among `looped` a key may name one round: `work__2`.
        """

        def matches(key: str) -> bool:
            return key in self._served or key in known or key.partition("__")[0] in looped

        lost = tuple(key for key in self._named if not matches(key))
        return lost if any(map(matches, self._offered)) else (*lost, *self._offered)


def _keys(ref: str, task_type: str, name: str, iteration: int) -> tuple[str, ...]:
    return (f"{ref}__{iteration}" if iteration else ref, ref, name, task_type)


def as_named(handler: object) -> NamedHandler:
    """Give a callable the name by which results show it; a mapping is an example of the simulated task's output.

    Raises BadHandler if it is neither.
    """
    if isinstance(handler, NamedHandler):
        return handler
    if isinstance(handler, Mapping):
        return simulated_with(handler)
    call = handler if callable(handler) else getattr(handler, "execute", None)  # conductor-python's worker
    if not callable(call):
        raise BadHandler(f"{handler!r} is no handler: give a callable, or a dict as an example of its output")
    module, name = getattr(call, "__module__", ""), getattr(call, "__qualname__", type(call).__name__)
    return NamedHandler(name=f"python:{module}:{name}", call=as_handler(call))


def handlers_in(module: ModuleType | str) -> dict[str, NamedHandler]:
    """Return the handlers of a module by task name.

    They are its functions decorated with conductor-python's `@worker_task` and its worker objects, under the names
    that those give; where there are none, its public functions under their own names. Raises BadHandler.
    """
    if isinstance(module, str):
        try:
            module = importlib.import_module(module)
        except (Exception, SystemExit) as error:  # whatever the code at the top of a user's module does
            raise BadHandler(f"{module} cannot be imported: {_said(error, str(module))}") from None
    members = {name: each for name, each in vars(module).items() if not name.startswith("_")}
    found = {task: as_named(each) for each in members.values() if (task := task_type_of(each))}
    if not found:
        own = {name: each for name, each in members.items() if inspect.isfunction(each)}
        found = {name: as_named(each) for name, each in own.items() if each.__module__ == module.__name__}
    if not found:
        raise BadHandler(f"{module.__name__} has no handlers: no public function, and nothing decorated as a worker")
    return found


def handler_from(text: str, agents: Path | None) -> NamedHandler:
    """Read `simulated`, `module:callable`, or the file name of a script in the agents folder. Raises BadHandler."""
    if text == "simulated":
        return SIMULATED
    if text.endswith(".sh"):
        if agents is None:
            raise BadHandler(f"{text}: a handler script needs the agents folder: add --agents DIR")
        try:
            return script_handler(checked_script(agents, text))
        except BadScript as error:
            raise BadHandler(str(error)) from None
    module_name, separator, path = text.partition(":")
    if not separator or not module_name or not path:
        raise BadHandler(f"{text!r} is no handler: write module:callable, a script's file name, or simulated")
    try:
        target: object = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise BadHandler(f"{text}: {module_name} cannot be imported: {_said(error, module_name)}") from None
    for name in path.split("."):
        target = getattr(target, name, None)
        if target is None:
            raise BadHandler(f"{text}: {module_name} has no {path}")
    if not callable(target):
        raise BadHandler(f"{text} is no handler: it cannot be called")
    return NamedHandler(name=f"python:{text}", call=as_handler(target))


def _said(error: BaseException, module: str) -> str:
    """Say what an import failed with and in which line; of what is no ImportError also its kind."""
    said = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
    if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
        return f"{said}{_beside(module)}"
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith("<frozen ")]
    last = frames[-1] if frames else None
    return said if last is None or last.filename == __file__ else f"{said} ({last.filename}:{last.lineno})"


def _beside(module: str) -> str:
    """Name the module of the current folder that may have been meant, or where modules are sought."""
    here = [path.stem for path in Path.cwd().glob("*.py")]
    near = get_close_matches(module, here, n=1)
    sought = f"sought in {Path.cwd()}, the folders of the tests, and what is installed"
    return f": did you mean {near[0]}?" if near else f": {sought}"
