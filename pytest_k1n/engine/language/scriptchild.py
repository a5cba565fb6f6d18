"""The process in which scripts run: it reads one script after the other from its standard input and writes what came of
each to its standard output. Run as a file by `sandbox`, without the package and its environment.

It has nothing to lose and little to gain: no environment, nothing open but its pipes and its own size, no right to
open more, limited memory, and a timer of its own CPU time for every script. The kernel ends it when that is up,
whatever the script does, and when the engine closes the other end of a third pipe, or is killed.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import re
import resource
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

REQUEST = struct.Struct("<cdII")
"""What to run (`j` JavaScript, `J` with its bindings as Java's, `s` only its syntax, `q` jq, `r` a pattern), seconds of
CPU, sizes of both texts."""
ANSWER = struct.Struct("<cI")
"""What came of it (`v` a value as JSON, `e` an error's text, `t` no time was left), and its size."""
MEMORY_LIMIT = 512 * 1024 * 1024
SCRIPT_MEMORY_LIMIT = 64 * 1024 * 1024
"""Of one JavaScript context."""
MEMORY_KEPT = 128 * 1024 * 1024
"""A child that has more in memory after a script is not asked again."""
OUTPUT_LIMIT = 16 * 1024 * 1024
DEPTH_LIMIT = 150
"""As of any document in the engine."""
LONG_INTEGER = re.compile(r"(?<=[\[:,\s])-?[1-9]\d{15,18}(?=[\]},\s])")
"""A whole number that may be too long for JavaScript."""
INTERRUPTED = "InternalError: interrupted"

RUN = r"""
(function () {
  const run = eval, {parse} = JSON;
  for (const name of ["DOMException", "atob", "btoa", "performance", "queueMicrotask"]) delete globalThis[name];
  globalThis.$run = function () {
    const source = $source;
    globalThis.$ = (globalThis.$java ? $java.bind : parse)($bindings);
    delete globalThis.$source; delete globalThis.$bindings; delete globalThis.$run;
    try {
      const value = run(source);
      switch (typeof value) {
        case "string": return value.isWellFormed() && !value.includes("\0") ? [value].join("") : [true, value];
        case "bigint": case "function": case "object": case "symbol": return value && [true, value];
      }
      return value;
    } catch (error) {
      return [false, error];
    }
  };
})()
"""
"""Runs a script: returns its value if JSON has it, else whether it came to an end, and its value or error."""

TRACK = r"""
(function () {
  const {construct, apply} = Reflect, made = globalThis.$made = new WeakSet(), add = made.add.bind(made);
  const note = (error) => (add(error), error);
  for (const name of ["Error", "EvalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError",
                      "AggregateError"]) {
    const kind = globalThis[name];
    const own = new Proxy(kind, {
      construct: (target, given, fresh) => note(construct(target, given, fresh === own ? target : fresh)),
      apply: (target, self, given) => note(apply(target, self, given)),
    });
    kind.prototype.constructor = own;
    globalThis[name] = own;
  }
})()
"""
"""Remembers the errors that a script makes itself; only for scripts that name one, because it costs 0.1 ms."""

SHOW = r"""
(function ([hasEnded, result], exact) {
  delete globalThis.$result;
  const LONG = 2 ** 63, java = globalThis.$java;
  function number(value) {
    if (value !== value) return '"NaN"';
    if (value === Infinity) return '"Infinity"';
    if (value === -Infinity) return '"-Infinity"';
    if (Object.is(value, -0)) return "-0.0";
    if (!Number.isInteger(value)) return String(value);
    if (value >= -LONG && value < LONG) return exact[value] || String(BigInt(value));
    const text = String(value);
    return text.includes("e") ? text : text + ".0";
  }
  function shown(value, depth) {
    if (depth > DEPTH_LIMIT) throw new Error("its value is nested more than DEPTH_LIMIT deep, or holds itself");
    switch (typeof value) {
      case "undefined": return "null";
      case "boolean": return value ? "true" : "false";
      case "number": return number(value);
      case "string": return JSON.stringify(value);
      case "bigint": return value >= -LONG && value < LONG ? String(value) : "{}";
      case "symbol": return "{}";
    }
    if (value === null) return "null";
    if (java) value = java.raw(value);
    const parts = [];
    if (Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value)) {
      for (let at = 0; at < value.length; at++) parts[at] = shown(value[at], depth + 1);
      return "[" + parts.join(",") + "]";
    }
    if (value instanceof String || value instanceof Number || value instanceof Boolean)
      return shown(value.valueOf(), depth + 1);
    const entries = value instanceof Map ? value.entries() : Object.keys(value).map((key) => [key, value[key]]);
    for (const [key, each] of entries) parts.push(JSON.stringify(String(key)) + ":" + shown(each, depth + 1));
    return "{" + parts.join(",") + "}";
  }
  function told(error) {
    if (typeof error === "function") return error.name;
    if (java && java.isHost(error)) return error.message;
    if (error === null || typeof error !== "object") return typeof error === "bigint" ? error + "n" : String(error);
    return error instanceof Error ? worded(String(error)) : Array.isArray(error) ? "Array" : "Error";
  }
  function worded(text) {
    return text.replace(/^TypeError: cannot (read|set) property /, "TypeError: Cannot $1 property ")
      .replace(/^RangeError: invalid array length$/, "RangeError: Invalid array length")
      .replace(/^RangeError: invalid repeat count$/, "RangeError: illegal repeat count")
      .replace(/^TypeError: empty array$/, "TypeError: Reduce of empty array with no initial value")
      .replace(/^TypeError: '(.*)' is read-only$/, 'TypeError: Assignment to constant "$1"')
      .replace(/^TypeError: cannot convert symbol to string$/, "TypeError: Cannot convert a Symbol value to a string");
  }
  function place(error) {
    if (typeof error !== "object" || !(error instanceof Error)) return " at line 1";
    if (globalThis.$made && $made.has(error) || java && java.isHost(error)) return "";
    const stack = String(error.stack);
    const isNative = /^\s*at (<input>:\d+:\d+\s+at )?(?!Array )\w+ \(native\)/.test(stack);
    if (isNative && !/not a function|BigInt/.test(error.message)) return "";
    const found = /<input>:(\d+)/.exec(stack);
    return " at line " + (java && java.line(error) || found && found[1] || 1);
  }
  const flat = (tag, text) => [tag, text].join("");  // a long text made by `+` cannot be taken out of a context
  if (!hasEnded) return flat("e", JSON.stringify("Error evaluating the script `" + told(result) + "`" + place(result)));
  try {
    return flat("v", shown(result, 0));
  } catch (error) {
    return flat("f", JSON.stringify(told(error)));
  }
})($result, EXACT)
""".replace("DEPTH_LIMIT", str(DEPTH_LIMIT))
"""Writes a value or an error as Conductor does, which reads values through GraalJS: what JSON does not have becomes
`{}`, a Map an object, and an error that the script itself made has no line. A script that has changed what this uses
has spoilt its own result only."""


class ScriptLibraries:
    """The two libraries, each if it is installed; a JavaScript context is made before it is asked for."""

    def __init__(self) -> None:
        self._quickjs = _library("quickjs")
        self._jq = _library("jq")
        self._java = {path.stem: path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("java/*.js")}
        self._programs: dict[str, Any] = {}
        self._context = self._fresh()

    def prepare(self) -> None:
        """Make what the next script needs."""
        if self._context is None:
            self._context = self._fresh()

    def run(self, kind: bytes, source: str, given: str, within_s: float) -> tuple[bytes, str]:
        """Run one script; return what came of it and its text."""
        try:
            return self._run(kind, source, given, within_s)
        except Exception as error:  # whatever a library makes of a script, the next one is served
            return b"e", f"{type(error).__name__}: {error}"

    def _run(self, kind: bytes, source: str, given: str, within_s: float) -> tuple[bytes, str]:
        if kind == b"q":
            return self._run_jq(source, given)
        if kind == b"r":
            pattern = re.compile(source[1:], re.IGNORECASE if source[0] == "i" else 0)
            return b"v", json.dumps(pattern.fullmatch(given) is not None)
        if self._quickjs is None:
            return b"e", "no JavaScript engine"
        context, self._context = self._context or self._fresh(), None
        context.set_time_limit(within_s)
        context.set("$source", source)
        try:
            if kind == b"s":
                context.eval("new Function($source); undefined")
                return b"v", "null"
            context.set("$bindings", given)
            if kind == b"J":
                context.set("$methods", self._java["methods"])
                context.eval(self._java["view"])
                if "Object" in source or "Reflect" in source:
                    context.eval(self._java["members"])
            if "Locale" in source or "Date" in source:
                context.eval(self._java["locale"])
            if "Error" in source:
                context.eval(TRACK)
            value = context.eval("$run()")
            exact = {int(float(text)): text for text in LONG_INTEGER.findall(given)}
            if not isinstance(value, self._quickjs.Object):
                return b"v", _number(value, exact) if isinstance(value, float) else json.dumps(value)
            context.set("$result", value)
            answer: str = context.eval(SHOW.replace("EXACT", json.dumps(exact)))
        except self._quickjs.JSException as error:
            message = str(error).strip().partition("\n")[0]
            if message == INTERRUPTED:
                return b"t", ""
            return b"e", message if kind == b"s" else f"Error evaluating the script `{message}` at line 1"
        return answer[:1].encode(), answer[1:] if answer[0] == "v" else json.loads(answer[1:])

    def _fresh(self) -> Any:
        if self._quickjs is None:
            return None
        context = self._quickjs.Context()
        context.set_memory_limit(SCRIPT_MEMORY_LIMIT)
        context.eval(RUN)
        return context

    def _run_jq(self, program: str, given: str) -> tuple[bytes, str]:
        try:
            compiled = self._programs.get(program)
            if compiled is None:
                if len(self._programs) > 1000:
                    self._programs.clear()
                compiled = self._programs[program] = self._jq.compile(program)
            return b"v", f"[{','.join(compiled.input_text(given).all())}]"
        except RecursionError:
            return b"e", "its value is nested too deep"
        except MemoryError:
            return b"e", f"cannot allocate memory: its limit is {MEMORY_LIMIT >> 20} MiB"
        except ValueError as error:
            return b"e", str(error)


def _number(value: float, exact: Mapping[int, str]) -> str:
    """Write a number as the server's mapper does: a whole one without a point, as long as Java has a type for it.

    `exact` are the digits of what the script was given and JavaScript rounds: the server hands on what Java has.
    """
    if not math.isfinite(value):
        return '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'
    is_negative_zero = value == 0 and math.copysign(1, value) < 0
    is_whole = value.is_integer() and -(2**63) <= value < 2**63 and not is_negative_zero
    return exact.get(int(value), str(int(value))) if is_whole else repr(value)


def _library(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        return None


def _serve(scripts: ScriptLibraries, memory: Callable[[], int]) -> None:
    while len(head := _read(REQUEST.size)) == REQUEST.size:
        kind, within_s, size, given_size = REQUEST.unpack(head)
        source, given = _read(size).decode("utf-8", "replace"), _read(given_size).decode("utf-8", "replace")
        signal.setitimer(signal.ITIMER_PROF, within_s + (0 if kind in (b"q", b"r") else 0.5))
        tag, text = scripts.run(kind, source, given, within_s)
        body = text.encode("utf-8", "replace")
        if len(body) > OUTPUT_LIMIT:
            tag, body = b"e", f"its value has {len(body)} bytes: the limit is {OUTPUT_LIMIT >> 20} MiB".encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        _write(ANSWER.pack(tag, len(body)) + body)
        if memory() > MEMORY_KEPT:
            return  # what a script has taken, the libraries keep
        scripts.prepare()


def _memory() -> Callable[[], int]:
    """Make what tells the bytes that this process has in memory, and needs to open nothing any more.

    Not `ru_maxrss` where the kernel has better: Linux lets a new program begin with the peak of the process that
    started it, so the child of an engine of 300 MB would seem to have taken them.
    """
    try:
        pages = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    page = resource.getpagesize()
    return lambda: int(os.pread(pages, 256, 0).split()[1]) * page


def _end_with(lifeline: int) -> None:
    """Have the kernel end this process, whatever it does, when the other end of a pipe is closed.

    A pipe of its own, on which nothing is ever written: the signal for a request on the input may come after the
    request has been read, and would end a script that has just begun.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def _read(size: int) -> bytes:
    data = os.read(0, size) if size else b""
    while 0 < len(data) < size and (more := os.read(0, size - len(data))):
        data += more
    return data


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def main() -> None:
    """Serve until the input ends."""
    sys.path[:0] = json.loads(sys.argv[1])
    os.environ.clear()  # Python puts LC_CTYPE into an empty one
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the engine
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    scripts = ScriptLibraries()
    "".encode("utf-8", "replace").decode("utf-8", "replace")  # what is imported on first use must be there by now
    json.dumps([1.5, "é"])
    memory = _memory()
    _end_with(int(sys.argv[2]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    with_nothing_else = getattr(resource, "RLIMIT_NPROC", None)
    if with_nothing_else is not None:
        resource.setrlimit(with_nothing_else, (0, 0))
    _serve(scripts, memory)


if __name__ == "__main__":
    main()
