"""The recorded cases: a JSON document each, what Conductor showed with the case that it was asked.

One document a line, one file a suite, compressed: all of them are 240 KB that way and 12 MB without. `schemas/
conformance-case.schema.json` says what a document holds.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pytest_k1n.conformance.cases import Case, Document, case_from
from pytest_k1n.core.text import from_json
from pytest_k1n.validation.bounded import files_in, read_at_most

FORMAT = "conformance-case/1"
_MOST_MB = 256
SUITES = ("catalogue", "operations", "requests", "waiting", "mocks", "generated", "matrix")
"""In the order in which they are run: what is commonest first."""
_PACKAGE = Path(__file__).parent.parent
_FOLDERS = (_PACKAGE / "conformance" / "recorded", _PACKAGE.parent / "fixtures" / "conformance")
"""The wheel carries the recordings inside the package, a checkout has them among its fixtures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A case and its history on a Conductor of version `conductor`.

    `also` are other histories that the same one has shown: which of its threads comes first is a matter of the machine.
    """

    suite: str
    case: Case
    history: Document
    conductor: str
    also: tuple[Document, ...] = ()

    @property
    def name(self) -> str:
        return self.case.name

    @property
    def title(self) -> str:
        """Name it among those of all suites."""
        return f"{self.suite}/{self.case.name}"

    def document(self) -> Document:
        """Return it as JSON data."""
        return {
            "schema": FORMAT,
            "suite": self.suite,
            **self.case.document(),
            "conductor": self.conductor,
            "expected": self.history,
            **({"also": list(self.also)} if self.also else {}),
        }


class StaleRecordingError(ValueError):
    """A case is not the one that was recorded."""


def recording_from(document: Mapping[str, Any]) -> Recording:
    """Read what `Recording.document` returned. Raises ValueError for a document that is no case."""
    fields = dict(document)
    if fields.pop("schema", None) != FORMAT:
        raise ValueError(f'no conformance case: it has no "schema": "{FORMAT}"')
    try:
        suite, conductor, history = (fields.pop(key) for key in ("suite", "conductor", "expected"))
        also = tuple(map(dict, fields.pop("also", ())))
        return Recording(
            suite=str(suite), case=case_from(fields), history=dict(history), conductor=str(conductor), also=also
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"no conformance case: {error}") from None


def folder() -> Path:
    """Return where the recordings and the known differences are. Raises LookupError."""
    for each in _FOLDERS:
        if each.is_dir():
            return each
    raise LookupError(f"no recorded cases in {' or '.join(map(str, _FOLDERS))}: reinstall pytest-k1n")


def recordings_of(suite: str, within: Path | None = None) -> Path:
    """Return the file that holds a suite's recordings."""
    return (within or folder()) / f"{suite}.jsonl.xz"


def read(path: Path) -> dict[str, Recording]:
    """Read the recordings of a file by the case's name: JSON, or JSON lines, compressed (`.xz`) or not.

    Raises ValueError that names file and line, and OSError.
    """
    content = read_at_most(path, _MOST_MB)
    try:
        text = (lzma.decompress(content) if path.suffix == ".xz" else content).decode()
        lines = [text] if path.suffix == ".json" else text.splitlines()
    except (lzma.LZMAError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from None
    found = {}
    for number, line in enumerate(lines, 1):
        try:
            one = recording_from(from_json(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            what = error if isinstance(error, ValueError) else "it is no recorded case"
            raise ValueError(f"{path}, line {number}: {what}") from None
        found[one.name] = one
    return found


def read_all(place: Path | None = None) -> Iterator[Recording]:
    """Yield the recordings of the package, or those of a file, or of a folder's files and its folders'."""
    if place is None or place == folder():
        paths = [path for suite in SUITES if (path := recordings_of(suite)).exists()]
    elif place.is_dir():
        paths = files_in(place, suffixes=(".json", ".jsonl", ".jsonl.xz"))
    else:
        paths = [place]
    for path in paths:
        yield from read(path).values()


def write(path: Path, recordings: Iterable[Recording]) -> None:
    """Write recordings in the order given, each with its keys in theirs: a server may show that of an input."""
    lines = [json.dumps(one.document(), separators=(",", ":")) for one in recordings]
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(lzma.compress(content, preset=9) if path.suffix == ".xz" else content)


def chosen(
    recordings: Iterable[Recording],
    *,
    only: str | None = None,
    titles: Container[str] | None = None,
    sample: int | None = None,
) -> list[Recording]:
    """Return those whose `suite/name` holds `only` (or matches it, with `*`, `?` or `[]`) and is one of `titles`.

    `sample`: so many of them, spread evenly.
    """
    found = [
        one
        for one in recordings
        if (only is None or _matches(one.title, only)) and (titles is None or one.title in titles)
    ]
    if sample is None or sample >= len(found):
        return found
    return [found[index * len(found) // sample] for index in range(sample)]


def _matches(title: str, pattern: str) -> bool:
    return fnmatchcase(title, pattern) if any(mark in pattern for mark in "*?[") else pattern in title


def recorded(case: Case, recordings: Mapping[str, Recording]) -> Document | None:
    """Return what Conductor did with a case; None if it was never recorded.

    Raises StaleRecordingError if the case changed since.
    """
    found = recordings.get(case.name)
    if found is None:
        return None
    if found.case.digest() != case.digest():
        raise StaleRecordingError(f"{case.name} changed since it was recorded: record it again (k1n_parity record)")
    return found.history
