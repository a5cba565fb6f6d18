"""The markers that a plan brings, read without the rest of it: every run of pytest in a project with a plan asks.

`planfile` reads the whole plan, strictly, as soon as a test or an option needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pytest_k1n.validation.bounded import toml_in


def read_markers(path: Path, source: str) -> dict[str, str] | None:
    """Read name and meaning of each marker; None where the file is not in order, which `planfile` will explain."""
    try:
        text = path.read_text(encoding="utf-8").removeprefix("\ufeff")
        document = toml_in(text)
        batches = document.get("batch", [])
        phases = [
            phase for batch in batches for template in batch.get("template", []) for phase in template.get("phase", [])
        ]
        return dict(
            markers(
                [(_whole(batch["number"]), _text(batch.get("title", "")), _names(batch)) for batch in batches],
                [_whole(phase["number"]) for phase in phases],
                source,
            )
        )
    except (OSError, ValueError, TypeError, LookupError, AttributeError):  # whatever a file holds
        return None


def markers(
    batches: Iterable[tuple[int, str, Iterable[str]]], phases: Iterable[int], source: str
) -> Iterator[tuple[str, str]]:
    """Yield each marker's name and what it selects: each batch (number, title, aliases) by all names, then phases."""
    for number, title, aliases in batches:
        for name in (f"batch{number}", *aliases):
            yield name, f"batch {number}{f' ({title})' if title else ''} of {source}"
    for number in sorted(set(phases)):
        yield f"phase{number}", f"phase {number} of its workflow: decided when that phase has ended"


def _names(batch: dict[str, Any]) -> list[str]:
    return [_text(alias) for alias in batch.get("aliases", [])]


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
