"""What the real server answered, kept so that the engine can be compared without it.

One JSON document a line, one line a case: name, digest of the case, canonical history. The case itself is made anew
from its seed or table; a recording whose digest is another one's is stale and says so.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from k1n_parity.cases import Case, Document


@dataclass(frozen=True, slots=True)
class Recording:
    """A case's history on the real server."""

    name: str
    digest: str
    history: Document


class StaleRecordingError(ValueError):
    """A case is not the one that was recorded."""


COMPRESSED = frozenset({"matrix"})


def recordings_of(suite: str, fixtures: Path) -> Path:
    """Return the file that holds a suite's recordings."""
    return fixtures / "recorded" / (f"{suite}.jsonl.xz" if suite in COMPRESSED else f"{suite}.jsonl")


def read(path: Path) -> dict[str, Recording]:
    """Read the recordings of a file by the case's name."""
    content = path.read_bytes()
    lines = (lzma.decompress(content) if path.suffix == ".xz" else content).decode().splitlines()
    return {one["name"]: Recording(**one) for one in map(json.loads, filter(None, lines))}


def write(path: Path, recordings: Iterable[Recording]) -> None:
    """Write recordings in the order given."""
    lines = [
        json.dumps(
            {"name": one.name, "digest": one.digest, "history": one.history}, sort_keys=True, separators=(",", ":")
        )
        for one in recordings
    ]
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(lzma.compress(content, preset=9) if path.suffix == ".xz" else content)


def recorded(case: Case, recordings: Mapping[str, Recording]) -> Document | None:
    """Return what the real server did with a case; None if it was never recorded.

    Raises StaleRecordingError if the case changed since.
    """
    found = recordings.get(case.name)
    if found is None:
        return None
    if found.digest != case.digest():
        raise StaleRecordingError(f"{case.name} changed since it was recorded: record it again (make parity-record)")
    return found.history
