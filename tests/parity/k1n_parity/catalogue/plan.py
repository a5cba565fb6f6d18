"""The definitions of the K1N plan (fixtures/workflows), and one history that was recorded without a case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from k1n_parity.catalogue.builders import FINAL, loop, simple
from pytest_k1n.conformance.cases import PREFIX, Case, Document

WORKFLOWS = Path(__file__).parents[4] / "fixtures" / "workflows"


def plan() -> Iterator[Case]:
    """Yield each definition as it is, every task successful, and once with a failure in the middle."""
    for path in sorted(WORKFLOWS.glob("*.json")):
        definition = _prefixed(json.loads(path.read_text(encoding="utf-8")))
        names = sorted(set(_names(definition["tasks"])))
        registered = tuple({"name": name, "retryCount": 1, "retryDelaySeconds": 0} for name in names)
        asked: Document = {"workflows": (definition,), "task_definitions": registered, "input": {"project": "x"}}
        yield Case(name=f"plan, {path.stem}", seed=7, **asked)
        middle = names[len(names) // 2].removeprefix(PREFIX)
        failing = {middle: (FINAL,)}
        yield Case(name=f"plan, {path.stem}, a failure", seed=7, script=failing, **asked)
    every = "${workflow.input.items}"
    items = loop(
        simple("work", {"item": "${each.output.loopItem}"}),
        ref="each",
        inputs={"_items": every},
        items=every,
        loopCondition="true",
    )
    main = {"name": f"{PREFIX}main", "version": 1, "schemaVersion": 2, "tasks": [items, simple("after")]}
    yield Case(name="do-while-items", workflows=(main,), input={"items": ["x", "y", "z"]}, seed=7)


def _prefixed(document: Any) -> Any:
    """Give a definition and its tasks names of this run; refs stay."""
    if isinstance(document, list):
        return [_prefixed(inner) for inner in document]
    if not isinstance(document, dict):
        return document
    changed = {key: _prefixed(inner) for key, inner in document.items()}
    if changed.get("type", "SIMPLE") == "SIMPLE" and "name" in changed:
        changed["name"] = f"{PREFIX}{changed['name']}"
    return changed


def _names(tasks: Any) -> Iterator[str]:
    if isinstance(tasks, list):
        for inner in tasks:
            yield from _names(inner)
    elif isinstance(tasks, dict):
        if tasks.get("type") == "SIMPLE":
            yield tasks["name"]
        yield from _names(tasks.get("forkTasks", []))
