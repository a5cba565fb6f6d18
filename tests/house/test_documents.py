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

BY_NAME = ("methods", "style", "house", "trust", "conductor", "SPEC", "PLAN", "BRIEF")
ABSENT = [
    re.compile(pattern)  # each begins with letters to look for: that takes a tenth of the time
    for pattern in (
        *(rf"{name}\.md(?<![\w/-]{name}\.md)" for name in BY_NAME),
        r"SPEC [A-Z]",  # ids of a specification
        r"/work/",
        r"\((?:SPEC )?(?!G\d)[A-Z]{1,2}\d{1,2}\)",  # an id in brackets explains nothing
    )
]
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
        f"{path}:{line_of(text, each.start())}: {each[0]}"
        for path, text in texts()
        for absent in ABSENT
        for each in absent.finditer(text)
    ]
    assert found == []


def test_what_is_absent_is_found_by_its_name_or_its_id() -> None:
    lines = [
        "see methods.md",
        "of my-methods.md",
        "docs/style.md",
        "as SPEC A3 says",
        "in /" + "work/x",
        "so (P7)",
        "(G1)",
    ]
    assert [bool(any(absent.search(line) for absent in ABSENT)) for line in lines] == [
        True, False, False, True, True, True, False,
    ]  # fmt: skip


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
