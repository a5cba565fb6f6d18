"""Which handler serves a task: one that was named for it, else its script, else the simulation."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pytest_k1n.workers.handler import Handler, NamedHandler
from pytest_k1n.workers.script import BadScript, checked_script, find_scripts, script_handler
from pytest_k1n.workers.simulated import SIMULATED

Mode = Literal["auto", "simulated"]


class BadHandler(ValueError):
    """A handler that cannot be found or called; says which, and how to write it."""


class Handlers:
    """Handlers by ref or task type; the choice is made once per task, by exact name."""

    def __init__(
        self,
        named: Mapping[str, NamedHandler | Handler] | None = None,
        *,
        agents: Path | None = None,
        mode: Mode = "auto",
    ) -> None:
        """Collect handlers; scripts serve in mode `auto` only. Raises BadScript, BadHandler."""
        self._named = {task: as_named(handler) for task, handler in (named or {}).items()}
        self._scripts = find_scripts(agents) if agents is not None and mode == "auto" else {}

    def find(self, ref: str, task_type: str) -> NamedHandler:
        """Return the handler of a task; the simulation if nothing else serves it."""
        for handlers in (self._named, self._scripts):
            for key in (ref, task_type):
                if (found := handlers.get(key)) is not None:
                    return found
        return SIMULATED


def as_named(handler: NamedHandler | Handler) -> NamedHandler:
    """Give a callable the name by which results show it. Raises BadHandler if it cannot be called."""
    if isinstance(handler, NamedHandler):
        return handler
    if not callable(handler):
        raise BadHandler(f"{handler!r} is no handler: it cannot be called")
    module, name = getattr(handler, "__module__", ""), getattr(handler, "__qualname__", type(handler).__name__)
    return NamedHandler(name=f"python:{module}:{name}", call=handler)


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
    except ImportError as error:
        raise BadHandler(f"{text}: {module_name} cannot be imported: {error}") from None
    for name in path.split("."):
        target = getattr(target, name, None)
        if target is None:
            raise BadHandler(f"{text}: {module_name} has no {path}")
    if not callable(target):
        raise BadHandler(f"{text} is no handler: it cannot be called")
    return NamedHandler(name=f"python:{text}", call=target)
