"""JavaScript and jq for the task types that need them: through libraries of the `scripts` extra, in the sandbox.

Nothing here interprets a language itself; only the literals `true` and `false`, which most item loops use as their
condition, need no engine.
"""

from __future__ import annotations

import importlib.util
import re
from functools import cache, lru_cache
from typing import Any, Final

from pytest_k1n.core.extras import install
from pytest_k1n.engine.language import jqnames, jqprogram, jsontext, sandbox
from pytest_k1n.engine.language.sandbox import SANDBOX, ChildDied, OutOfTime, Readable
from pytest_k1n.engine.values import JsonObject

INSTALL: Final = install("scripts")
TIME_LIMIT_S: Final = 4
"""As CONDUCTOR_SCRIPT_MAX_EXECUTION_SECONDS of the server; of CPU time, whatever the engine's clock does.

The server has no limit for jq: there a program without an end takes a thread with it, or the request that started it.
"""


class ScriptError(Exception):
    """A script that could not be evaluated; its text is what the library says."""


class ScriptUnfinished(ScriptError):
    """A script of which nothing could be had; the server tries such a task again, if it has attempts left."""


class ScriptTimeout(ScriptUnfinished):
    """A script that took too long."""

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


@cache
def is_installed(library: str) -> bool:
    """Tell whether a library is installed, without loading it."""
    return importlib.util.find_spec(library) is not None


def has_javascript() -> bool:
    """Tell whether a JavaScript engine is installed."""
    return is_installed("quickjs")


def has_jq() -> bool:
    """Tell whether jq is installed."""
    return is_installed("jq")


def syntax_error(source: str) -> str | None:
    """Say what is wrong with a script's syntax, or None; without an engine that is unknown."""
    if not has_javascript():
        return None
    try:
        _run(b"s", source, "")
    except ScriptError as error:
        return str(error)
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
    """Say what is wrong with a jq program, or None; without jq that is unknown."""
    if not has_jq():
        return None
    import jq  # type: ignore[import-not-found,import-untyped,unused-ignore]

    try:
        jq.compile(_for_libjq(program, is_strict=False))
    except ValueError as error:
        return jqnames.worded(str(error)).strip().partition("\n")[0]
    return None


def sees_java(source: str, bindings: JsonObject) -> bool:
    """Tell whether a script may notice that its bindings are Java's maps and lists; to show them costs 1.5 ms.

    Not if it only compares what it reads, or reads nothing but plain values.
    """
    if not _PLAIN.sub("", source):
        return False
    return bool(_WHOLE.search(source)) or any(isinstance(value, dict | list) for value in bindings.values())


class Scripts:
    """Evaluates scripts; nothing leaks from one to the next."""

    def __init__(self) -> None:
        self.readable: Readable = sandbox.wait
        """Waits for what a script's process answers: in place, unless the server answers other requests meanwhile."""

    def javascript(self, source: str, bindings: JsonObject) -> Any:
        """Evaluate a script with `$` bound to a JSON object and return its last value. Raises ScriptError."""
        if is_literal(source):
            return source.strip().startswith("true")
        if not has_javascript():
            raise ScriptError(f"JavaScript needs an engine: {INSTALL}")
        kind = b"J" if sees_java(source, bindings) else b"j"
        return _run(kind, source, jsontext.write(bindings), self.readable)

    def jq(self, program: str, value: Any) -> list[Any]:
        """Run a jq program on a value and return all results. Raises ScriptError."""
        if not has_jq():
            raise ScriptError(f"jq is not installed: {INSTALL}")
        given, complaint = jsontext.write(value), ""
        try:
            attempts = dict.fromkeys(_for_libjq(program, is_strict=is_strict) for is_strict in (False, True))
        except jqprogram.Refused as refused:
            raise ScriptError(str(refused)) from None
        for attempt in attempts:  # one that fails is run again for the server's words: it has changed nothing
            try:
                return self._jq(attempt, given)
            except ScriptTimeout:
                raise
            except ScriptError as error:
                complaint = str(error)
        raise ScriptError(jqnames.worded(complaint))

    def _jq(self, program: str, given: str) -> list[Any]:
        try:
            results: list[Any] = _run(b"q", program, given, self.readable)
        except ScriptError as error:
            complete = jqnames.with_undefined(program, str(error))
            if complete is None:
                raise
            results = _run(b"q", complete, given, self.readable)
        return results


@lru_cache(1000)
def _for_libjq(program: str, *, is_strict: bool) -> str:
    """Write a program so that libjq does what the server's jq does with it, and writes each result as JSON."""
    try:
        own = jqprogram.rewritten(program)
    except RecursionError:
        own = program  # texts within texts beyond what is written by hand
    shown = " | _shown" if jqnames.may_be_unbound(own) else ""
    return f"{jqnames.prelude(own, is_strict=is_strict)}(\n{own}\n){shown} | tojson"


def _run(kind: bytes, source: str, given: str, readable: Readable = sandbox.wait) -> Any:
    try:
        tag, text = SANDBOX.run(kind, source, given, TIME_LIMIT_S, readable)
        if tag == b"v":
            return jsontext.read(text)
    except OutOfTime:
        raise ScriptTimeout from None
    except (ChildDied, jsontext.TooDeep) as error:
        raise ScriptError(str(error)) from None
    except jsontext.BadJson:  # what libjq writes of a value that it finds too deep
        raise ScriptError("its value is nested too deep") from None
    error_text = text.decode("utf-8", "replace")
    raise ScriptUnfinished(error_text) if tag == b"f" else ScriptError(error_text)


_MEMBER: Final = (
    r"(?:add|clear|contains|containsKey|entries|entrySet|equals|forEach|get|getOrDefault|has|isEmpty|keySet|put|remove|size"
    r"|sort|stream|toString|values)\b"
)
_STEP: Final = rf"""\s*\.\s*(?!{_MEMBER})\w+|\s*\[\s*(?:'[^'\\]*'|"[^"\\]*"|\d+)\s*\]"""
_PLAIN: Final = re.compile(
    rf"""\$(?:{_STEP})+(?!\s*[(.\[\w])"""
    r"""|'[^'\\\n]*'|"[^"\\\n]*"|\b\d+(?:\.\d+)?\b|\b(?:true|false|null|undefined)\b"""
    r"""|[!=]==|&&|\|\||[<>]=?|[-!?:()*/%;\s]"""
)
"""What a condition is made of that only compares: paths, literals, operators that make no text of what they get."""
_WHOLE: Final = re.compile(r"\$(?!\s*[.\[{])|\$\s*\.\s*\w+\s*\(")
"""The bindings themselves, not just a value of theirs."""
