"""Simulated work as a function: the same arguments give the same duration, output and log, on every host and engine.

The worker sleeps what this says; the embedded engine lets its virtual clock jump by it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_k1n.core.model import Json
from pytest_k1n.core.standins.jitter import JITTER
from pytest_k1n.core.units import MINUTE_MS, format_ms

RESERVED = "_k1n"
"""Key of a task's output under which a worker says how the work was done."""
DEFAULT_ESTIMATE_MS = MINUTE_MS
"""Workflow time of a task without an estimate."""
_SAYS = "simulated attempt"
_SUMMARY = re.compile(r"simulated .+ on \d+ inputs", re.DOTALL)


def is_simulated_line(text: str) -> bool:
    """Tell whether a line of a task's log was written by simulated work."""
    return text.startswith(_SAYS)


def is_simulated_summary(text: str) -> bool:
    """Tell whether a text is the summary that simulated work puts out: of equal refs it is the same everywhere."""
    return _SUMMARY.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedWork:
    """What a simulated handler does: in workflow time, before any speed."""

    duration_ms: int
    output: Mapping[str, Json]
    logs: tuple[str, ...]


def simulate(
    *,
    seed: int,
    workflow: str,
    execution: str = "",
    ref: str,
    iteration: int = 0,
    attempt: int = 0,
    estimate_ms: int | None,
    inputs: Mapping[str, Json],
    output_schema: Mapping[str, Json] | None = None,
    jitter: float = JITTER,
) -> SimulatedWork:
    """Simulate one attempt of a task: its estimate with seeded jitter, and an output made from its inputs.

    `execution` tells the executions of a workflow apart (`correlation.execution_key`): each jitters for itself, while
    equal inputs give equal outputs in all of them.
    The output has `artifact` and `summary`, and satisfies `output_schema` as far as `sample` can.
    """
    expected_ms = DEFAULT_ESTIMATE_MS if estimate_ms is None else estimate_ms
    chance = _hashed("jitter", seed, workflow, execution, ref, iteration, attempt)
    spread = 2 * int.from_bytes(chance[:8], "big") / (2**64 - 1) - 1
    duration_ms = round(expected_ms * (1 + jitter * spread))
    fingerprint = _hashed("output", seed, workflow, ref, iteration, _canonical(inputs)).hex()[:12]
    output: dict[str, Json] = {
        "artifact": f"{ref}-{fingerprint}",
        "summary": f"simulated {ref} on {len(inputs)} inputs",
    }
    if output_schema is not None and isinstance(drawn := sample(output_schema, fingerprint), dict):
        absent = None if output_schema.get("additionalProperties") is False else fingerprint
        output = drawn | {name: text for name, text in output.items() if drawn.get(name, absent) == fingerprint}
    line = f"{_SAYS} {attempt + 1} of {ref}: {format_ms(duration_ms)} of workflow time"
    return SimulatedWork(duration_ms=duration_ms, output=output, logs=(line,))


def sample(schema: Mapping[str, Json], text: str) -> Json:
    """Draw a value that satisfies a plain JSON Schema; strings are `text`.

    Heeds const, enum, type, required, properties, items, minItems, minimum; other keywords are not interpreted.
    """
    if "const" in schema:
        return schema["const"]
    if isinstance(options := schema.get("enum"), list) and options:
        return options[0]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    match kind:
        case "object":
            properties = schema.get("properties")
            known = properties if isinstance(properties, dict) else {}
            required = schema.get("required")
            names = [str(name) for name in required] if isinstance(required, list) else []
            return {name: sample(_schema(known.get(name)), text) for name in dict.fromkeys([*known, *names])}
        case "array":
            least = schema.get("minItems")
            return [sample(_schema(schema.get("items")), text) for _ in range(least if isinstance(least, int) else 0)]
        case "integer" | "number":
            least = schema.get("minimum")
            return least if isinstance(least, int | float) else 0
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return text


def _schema(document: Json) -> Mapping[str, Json]:
    return document if isinstance(document, dict) else {}


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def _hashed(*parts: object) -> bytes:
    """Hash stably: Python's own hash of a string differs from process to process."""
    return hashlib.blake2b(_canonical(parts).encode(), digest_size=16).digest()
