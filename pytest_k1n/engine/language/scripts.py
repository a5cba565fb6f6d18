"""JavaScript and jq for the task types that need them: through libraries of the `scripts` extra, in the sandbox.

Nothing here interprets a language itself; only the literals `true` and `false`, which most item loops use as their
condition, need no engine.
"""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from typing import Any, Final

from pytest_k1n.core.extras import install
from pytest_k1n.engine.language import jsontext, sandbox
from pytest_k1n.engine.language.sandbox import SANDBOX, ChildDied, OutOfTime, Readable
from pytest_k1n.engine.values import JsonObject

INSTALL: Final = install("scripts")
TIME_LIMIT_S: Final = 4
"""As CONDUCTOR_SCRIPT_MAX_EXECUTION_SECONDS of the server; of CPU time, whatever the engine's clock does.

The server has no limit for jq: there a program without an end takes a thread with it, or the request that started it.
"""
_WORD: Final = re.compile(r"\b[A-Za-z_]\w*")


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
        jq.compile(program)
    except ValueError as error:
        return str(error).strip().partition("\n")[0]
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
        results: list[Any] = _run(b"q", _as_on_the_server(program), jsontext.write(value), self.readable)
        return results


def _as_on_the_server(program: str) -> str:
    """Take away what the server's jq, jackson-jq, does not have: it says so when such a function is called."""
    used = {name: _ABSENT[name] for name in dict.fromkeys(_WORD.findall(program)) if name in _ABSENT}
    absent = "".join(_absent(name, count) for name, counts in used.items() for count in counts)
    return absent + _TEXT_OR_ABSENT.sub(_without, program)


def _without(found: re.Match[str]) -> str:
    """Replace what the server's jq has no meaning for by its complaint; a text stays."""
    format_, variable = found["format"], found["variable"]
    if format_ is not None:
        return f'error("Formatting operator {format_} does not exist")'
    if variable is not None and f"as {variable}" not in found.string:
        return f'error("Undefined variable: {variable}")'
    return found[0]


def _absent(name: str, count: int) -> str:
    parameters = f"({';'.join(f'p{number}' for number in range(count))})" if count else ""
    return f'def {name}{parameters}: error("Function {name}/{count} does not exist"); '


def _run(kind: bytes, source: str, given: str, readable: Readable = sandbox.wait) -> Any:
    try:
        tag, text = SANDBOX.run(kind, source, given, TIME_LIMIT_S, readable)
        if tag == b"v":
            return jsontext.read(text)
    except OutOfTime:
        raise ScriptTimeout from None
    except (ChildDied, jsontext.TooDeep) as error:
        raise ScriptError(str(error)) from None
    error_text = text.decode("utf-8", "replace")
    raise ScriptUnfinished(error_text) if tag == b"f" else ScriptError(error_text)


def _functions(text: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for function in text.split():
        name, _, count = function.partition("/")
        found.setdefault(name, []).append(int(count))
    return found


_TEXT_OR_ABSENT: Final = re.compile(
    r'"(?:\\.|[^"\\])*"|(?P<format>@(?:base32d?|base64d|urid)\b(?!\s*"))|(?P<variable>\$(?:ENV|__loc__)\b)', re.DOTALL
)
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
_ABSENT: Final = _functions("""
    IN/1 IN/2 INDEX/1 INDEX/2 JOIN/2 JOIN/3 JOIN/4 abs/0 acos/0 acosh/0 add/1 asin/0 asinh/0 atan2/2 atanh/0
    bsearch/1 builtins/0 cbrt/0 ceil/0 copysign/2 cosh/0 debug/0 debug/1 delpaths/1 drem/2 env/0 erf/0 erfc/0
    error/0 exp/0 exp10/0 exp2/0 expm1/0 fabs/0 fdim/2 finites/0 fma/3 fmax/2 fmin/2 fmod/2 format/1 frexp/0
    fromdate/0 fromdateiso8601/0 fromstream/1 gamma/0 get_jq_origin/0 get_prog_origin/0 get_search_list/0
    getpath/1 gmtime/0 halt/0 halt_error/0 halt_error/1 have_decnum/0 have_literal_numbers/0 hypot/2 input/0
    input_filename/0 inputs/0 isempty/1 isfinite/0 isnormal/0 j0/0 j1/0 jn/2 ldexp/2 lgamma/0 lgamma_r/0
    localtime/0 log/0 log10/0 log1p/0 logb/0 ltrim/0 mktime/0 modf/0 modulemeta/0 nearbyint/0 nextafter/2
    nexttoward/2 normals/0 now/0 path/1 pick/1 remainder/2 repeat/1 rint/0 round/0 rtrim/0 scalb/2 scalbln/2
    setpath/2 significand/0 sinh/0 skip/2 stderr/0 strflocaltime/1 strftime/1 strptime/1 tan/0
    tanh/0 tgamma/0 toboolean/0 todate/0 todateiso8601/0 tostream/0 trim/0 trimstr/1 trunc/0 truncate_stream/1
    y0/0 y1/0 yn/2
""")
"""Functions of jq that Conductor 3.32.1 answers with "Function … does not exist", asked one by one."""
