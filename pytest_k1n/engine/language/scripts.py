"""JavaScript and jq for the task types that need them: through libraries of the `scripts` extra, loaded on first use.

Nothing here interprets a language itself; only the literals `true` and `false`, which most item loops use as their
condition, need no engine.
"""

from __future__ import annotations

import importlib.util
import json
import re
from typing import Any, Final

from pytest_k1n.core.extras import install
from pytest_k1n.engine.language import jqapart
from pytest_k1n.engine.values import JsonObject

INSTALL: Final = install("scripts")
TIME_LIMIT_S: Final = 4
"""As CONDUCTOR_SCRIPT_MAX_EXECUTION_SECONDS of the server; of the machine's time, whatever the engine's clock does.

The server has no limit for jq: there a program without an end takes a thread with it, or the request that started it.
"""
MEMORY_LIMIT: Final = 64 * 1024 * 1024


_INTERRUPTED: Final = "InternalError: interrupted"
_LINE: Final = re.compile(r"<(?:input|evalScript)>:(\d+)")
"""Where QuickJS names the script's own line in an error's stack."""


class ScriptError(Exception):
    """A script that could not be evaluated; its text is what the library says."""


class ScriptTimeout(ScriptError):
    """A script that took too long; the server tries such a task again, if it has attempts left."""

    def __init__(self) -> None:
        super().__init__(f"Script not evaluated within {TIME_LIMIT_S} seconds, interrupted.")


def is_literal(source: str) -> bool:
    """Tell whether a condition is just `true` or `false` and needs no JavaScript engine."""
    return source.strip().rstrip(";").strip() in ("true", "false")


def is_true(value: Any) -> bool:
    """Read a condition's value as the server does: a number above zero is true, a text never is."""
    if isinstance(value, bool):
        return value
    return isinstance(value, int | float) and value > 0


def has_javascript() -> bool:
    """Tell whether a JavaScript engine is installed, without loading it."""
    return importlib.util.find_spec("quickjs") is not None


def has_jq() -> bool:
    """Tell whether jq is installed, without loading it."""
    return importlib.util.find_spec("jq") is not None


def syntax_error(source: str) -> str | None:
    """Say what is wrong with a script's syntax, or None; without an engine nobody can tell."""
    if not has_javascript():
        return None
    import quickjs  # type: ignore[import-not-found,import-untyped,unused-ignore]

    context = quickjs.Context()
    context.set("__source", source)
    try:
        context.eval("new Function(__source); undefined")
    except quickjs.JSException as error:
        return str(error).strip().partition("\n")[0]
    return None


def program_error(source: str) -> str | None:
    """Say what is wrong with a program's syntax, as `syntax_error` does of the body of a function."""
    if not has_javascript():
        return None
    import quickjs  # type: ignore[import-not-found,import-untyped,unused-ignore]

    try:
        # The function around it keeps the program from running; a label in front would not.
        quickjs.Context().eval(f"(function () {{ throw 0; }})(); \n{source}")
    except quickjs.JSException as error:
        message = str(error).strip().partition("\n")[0]
        return message if message.startswith("SyntaxError") else None
    return None


def jq_error(program: str) -> str | None:
    """Say what is wrong with a jq program, or None; without jq nobody can tell."""
    if not has_jq():
        return None
    import jq  # type: ignore[import-not-found,import-untyped,unused-ignore]

    try:
        jq.compile(program)
    except ValueError as error:
        return str(error).strip().partition("\n")[0]
    return None


class Scripts:
    """Evaluates scripts; every evaluation has a context of its own, so nothing leaks from one task to the next."""

    def __init__(self) -> None:
        self._programs: dict[str, Any] = {}

    def javascript(self, source: str, bindings: JsonObject) -> Any:
        """Evaluate a script with `$` bound to a JSON object and return its last value. Raises ScriptError."""
        if is_literal(source):
            return source.strip().startswith("true")
        try:
            import quickjs  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError:
            raise ScriptError(f"JavaScript needs an engine: {INSTALL}") from None
        context = quickjs.Context()
        context.set_time_limit(TIME_LIMIT_S)
        context.set_memory_limit(MEMORY_LIMIT)
        context.set("__bindings", json.dumps(bindings))
        try:
            context.eval("var $ = JSON.parse(__bindings);")
            value = context.eval(source)
            if isinstance(value, quickjs.Object):
                context.set("__value", value)  # written by a script too: an object may say how, at any length
                text = context.eval("JSON.stringify(__value)")
                return None if text is None else json.loads(text)
        except quickjs.JSException as error:
            message, _, where = str(error).strip().partition("\n")
            if message == _INTERRUPTED:
                raise ScriptTimeout from None
            line = _LINE.search(where)
            raise ScriptError(f"Error evaluating the script `{message}` at line {line[1] if line else 1}") from None
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def jq(self, program: str, value: Any) -> list[Any]:
        """Run a jq program on a value and return all results. Raises ScriptError."""
        try:
            import jq  # type: ignore[import-not-found,import-untyped,unused-ignore]
        except ImportError:
            raise ScriptError(f"jq is not installed: {INSTALL}") from None
        compiled = self._programs.get(program)
        try:
            if jqapart.may_not_end(program):
                return jqapart.run(program, value, within_s=TIME_LIMIT_S)
            if compiled is None:
                compiled = self._programs[program] = jq.compile(program)
            results: list[Any] = compiled.input_value(value).all()
        except (ValueError, jqapart.Unfinished) as error:
            raise ScriptError(str(error)) from None
        return results
