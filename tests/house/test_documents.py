"""What the files refer to is there: a reader has this tree, and nothing else."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("pytest_k1n", "tests", "suites", "benchmarks", "docs", "ops", "changelog.d")
MEASURED = ROOT / "benchmarks" / "results"
"""What `make bench` leaves: figures, and an environment with other projects' code."""
SUFFIXES = {".py", ".md", ".sh", ".toml"}
TARGETS = ROOT / "docs/how-to/benchmarks.md"

ABSENT = re.compile(
    r"""
    (?<![\w/-]) (?:methods|style|house|trust|conductor|SPEC|PLAN|BRIEF)\.md  # by name only
    | \bSPEC\ [A-Z]                                # ids of a specification
    | /work/
    | \((?:SPEC\ )?(?!G\d)[A-Z]{1,2}\d{1,2}\)     # an id in brackets explains nothing
    """,
    re.VERBOSE,
)
TARGET = re.compile(r"\bP\d{1,2}\b")
OURS = ("docs/explanation/", "docs/how-to/", "docs/reference/", "pytest_k1n/")
"""Where tests name files of this tree; others are of projects that they make."""
MENTION = re.compile(
    r"(?<![\w/])(?:docs|tests|suites|benchmarks|ops|schemas|pytest_k1n)/[\w./-]+\.(?:md|py|json|toml|sh)\b"
)


@cache
def texts() -> tuple[tuple[Path, str], ...]:
    """The tree's own files by their path in it, but those that list what must not be there."""
    loose = [path for path in ROOT.glob("*") if path.suffix in SUFFIXES or path.name == "Makefile"]
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    inside = [path for path in inside if MEASURED not in path.parents]
    wanted = [path for path in (*loose, *inside) if path != Path(__file__) and "test-results" not in path.parts]
    return tuple((path.relative_to(ROOT), path.read_text(encoding="utf-8")) for path in wanted)


def line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def test_nothing_refers_to_a_document_that_a_reader_does_not_have() -> None:
    found = [
        f"{path}:{line_of(text, each.start())}: {each[0]}" for path, text in texts() for each in ABSENT.finditer(text)
    ]
    assert found == []


def test_files_that_are_named_by_path_are_there() -> None:
    found = [
        f"{path}:{line_of(text, each.start())}: {each[0]}"
        for path, text in texts()
        for each in MENTION.finditer(text)
        if path.parts[0] != "tests" or each[0].startswith(OURS)
        if not any((folder / each[0]).exists() for folder in (ROOT, ROOT / path.parent))
    ]
    assert found == []


def test_the_benchmarks_ids_are_explained() -> None:
    used = {name for path, text in texts() if path.suffix == ".py" for name in TARGET.findall(text)}
    explained = set(re.findall(r"^\| (P\d{1,2}) \|", TARGETS.read_text(encoding="utf-8"), re.MULTILINE))
    assert used - explained == set()
