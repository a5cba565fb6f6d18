"""Plans, definitions, executions and options that nobody should write: one line, no traceback, 2 s of CPU at most.

By seed, so that a case that fails can be looked at again; `make fuzz-input` gives each kind 3,000.
"""

from __future__ import annotations

import copy
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pytest_k1n.cli import main

ROOT = Path(__file__).parents[2]
CASES = 3000 if os.environ.get("K1N_LONG") else 60
WITHIN_S = 2
"""Of CPU: what else the machine does is not ours."""
HISTORY = ROOT / "tests/unit/core/histories/loop-over-a-switch.json"


def deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


VALUES: tuple[Callable[[], Any], ...] = (
    lambda: None, lambda: True, lambda: -1, lambda: -(10**15), lambda: 0, lambda: 10**12, lambda: 10**30,
    lambda: 1.5, lambda: float("nan"), lambda: float("inf"), lambda: "", lambda: "x" * 5000, lambda: "\x1b]0;x\x07",
    lambda: "a\nb", lambda: "${a.output.b", lambda: "\ud800", lambda: [], lambda: {}, lambda: [[]], lambda: {"": {}},
    lambda: [None], lambda: deep(60), lambda: {"name": "x"}, lambda: "COMPLETED", lambda: "DO_WHILE",
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def broken(document: Any, chance: random.Random) -> Any:
    """Change one to four places: another value, gone, twice, or renamed."""
    document = copy.deepcopy(document)
    for _ in range(chance.randint(1, 4)):
        every = list(places(document))
        if not every:
            return chance.choice(VALUES)()
        *path, key = chance.choice(every)
        holder = document
        for step in path:
            holder = holder[step]
        how = chance.choice(("value", "value", "gone", "twice", "renamed"))
        if how == "gone":
            del holder[key]
        elif how == "twice" and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        elif how == "renamed" and isinstance(holder, dict):
            holder[f"{key}_"] = holder.pop(key)
        else:
            holder[key] = chance.choice(VALUES)()
    return document


def as_json(document: Any, chance: random.Random) -> bytes:
    text = json.dumps(document, ensure_ascii=True)
    if chance.random() < 0.1:
        at = chance.randrange(len(text) or 1)
        text = (
            text[:at]
            + chance.choice(("", "\x00", "[" * 2000, "﻿", '"', "9" * 6000))
            + text[at + chance.randint(0, 20) :]
        )
    return text.encode("utf-8", "surrogatepass")


def a_plan(folder: Path, chance: random.Random) -> list[str]:
    text = (ROOT / "suites/plan.toml").read_text()
    lines = text.splitlines()
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        key, equals, _ = lines[at].partition("=")
        value = chance.choice(('""', "-1", "[]", "{}", '"-5m"', '"1e999m"', "9" * 6000, "true", "inf", "1979-05-27",
                               '["", ""]', '"' + "x" * 5000 + '"', "[" * 300 + "]" * 300, '"\\u001b]0;x"'))  # fmt: skip
        dotted = ".".join("a" * 40)
        lines[at] = chance.choice(
            (f"{key}{equals or '='}{value}", "", lines[at] * 2, f"{dotted} = 1", "[[batch]]", "[")
        )
    path = folder / "plan.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return ["validate", str(path)]


def a_definition(folder: Path, chance: random.Random) -> list[str]:
    known = sorted((ROOT / "fixtures/workflows").glob("*.json"))
    path = folder / "definition.json"
    path.write_bytes(as_json(broken(json.loads(chance.choice(known).read_text()), chance), chance))
    return [chance.choice(("validate", "lint", "show", "run")), str(path)]


def an_execution(folder: Path, chance: random.Random) -> list[str]:
    known = json.loads(HISTORY.read_text())
    path = folder / "execution.json"
    path.write_bytes(as_json(broken(known, chance), chance))
    command = chance.choice(("check", "gates", "diff", "show", "validate", "report", "whatif"))
    more = {"diff": [str(HISTORY)], "report": ["--format", chance.choice(("json", "md", "sarif", "mermaid"))]}
    return [command, str(path), *more.get(command, [])]


def options(folder: Path, chance: random.Random) -> list[str]:
    words = ("--server", "--plan", "--definition", "--time", "--speed", "--min-pass-rate", "--json", "--workflow",
             "--tolerance", "--format", "--seed", "--", "-q", "--input", "--takes", "--fail")  # fmt: skip
    values = ("", "-1", "nan", "1e400", "x" * 3000, "\x1b[2J", "http://", "http://[", "http://127.0.0.1:99999",
              "scaled", "/dev/null", str(folder), "a=b", "=", "{", "0", "100%", "user:secret@host",
              str(HISTORY))  # fmt: skip
    command = chance.choice(
        ("check", "gates", "diff", "show", "validate", "report", "whatif", "lint", "run", "coverage")
    )
    return [command, *(chance.choice(chance.choice((words, values))) for _ in range(chance.randint(0, 4)))]


class TooLong(BaseException):
    """More CPU than a command may take."""


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    def end(_number: int, _frame: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def outcome(argv: list[str]) -> object:
    try:
        with at_most(WITHIN_S):
            return main(argv)
    except SystemExit as stop:  # argparse
        return stop.code
    except TooLong:
        return f"more than {WITHIN_S} s of CPU"
    except Exception as error:
        return f"traceback: {type(error).__name__}: {str(error)[:200]}"


@pytest.mark.parametrize("make", [a_plan, a_definition, an_execution, options], ids=lambda make: make.__name__)
def test_no_input_ends_in_a_traceback_or_takes_long(make, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("K1N_SERVER", raising=False)
    found, began = [], time.process_time()
    for seed in range(CASES):
        argv = make(tmp_path, random.Random(seed))
        code = outcome(argv)
        shown, said = capsys.readouterr()
        told = said.strip().splitlines()  # `k1n check FOLDER` has a row of its table for what it cannot read
        told = told or [line for line in shown.splitlines() if line.startswith("unreadable ")]
        is_usage = bool(told) and told[0].startswith("usage: ")
        if (
            code not in (0, 1, 2)
            or (code == 2 and not is_usage and not 1 <= len(told) <= max(1, len(argv) - 1))
            or "Traceback" in "".join(told)
        ):
            found.append((seed, [word[-60:] for word in argv], code, told[:3]))
    took_s = time.process_time() - began
    assert not found, f"{len(found)} of {CASES} cases: " + "\n".join(map(str, found[:12]))
    print(f"{CASES} cases of {make.__name__}, {took_s:.0f} s of CPU")
