"""jq programs that need not come to an end, in a process of their own: jq itself knows no limit of time or memory.

A thread would not do: the library holds the interpreter's lock while a program runs, and nothing ends it from outside.
What cannot run for long costs no process: no recursion, no generator without an end (regular expressions have a limit
of their own).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import suppress
from math import ceil
from typing import Any, Final

MEMORY_LIMIT: Final = 1024 * 1024 * 1024
_ENDLESS: Final = re.compile(r"\b(?:def|repeat|recurse|while|until|range|combinations)\b")


class Unfinished(Exception):
    """A program that was stopped; its text says why."""


def may_not_end(program: str) -> bool:
    """Tell whether a program names what may go on for ever; one that only mentions it in a text counts too."""
    return _ENDLESS.search(program) is not None


def run(program: str, value: Any, *, within_s: float) -> list[Any]:
    """Run a program on a value and return all results. Raises ValueError as jq does, Unfinished."""
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", __name__, str(within_s)],
            input=json.dumps([program, value]).encode(),
            capture_output=True,
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unfinished(f"Script not evaluated within {within_s:g} seconds, interrupted.") from None
    if child.returncode != 0 or not child.stdout:
        said = child.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        limit = f"its limits are {within_s:g} s and {MEMORY_LIMIT >> 20} MiB"
        raise Unfinished(f"jq ended with code {child.returncode} ({said[-1]}); {limit}")
    answer: dict[str, Any] = json.loads(child.stdout)
    if "error" in answer:
        raise ValueError(answer["error"])
    results: list[Any] = answer["results"]
    return results


def main() -> None:
    """Run what comes in on standard input; write what came of it: `{"results": […]}` or `{"error": "…"}`."""
    import jq  # type: ignore[import-not-found,import-untyped,unused-ignore]

    _limit(float(sys.argv[1]))
    program, value = json.load(sys.stdin)
    try:
        answer: dict[str, Any] = {"results": jq.compile(program).input_value(value).all()}
    except ValueError as error:
        answer = {"error": str(error)}
    json.dump(answer, sys.stdout)


def _limit(within_s: float) -> None:
    """Die of a runaway program even where the parent, which keeps the time, died before."""
    with suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (ceil(within_s) + 1, ceil(within_s) + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


if __name__ == "__main__":
    main()
