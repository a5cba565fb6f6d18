"""The pages under docs/ and the README: every command does what the page says, and no link is dead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SKILL.md", *sorted((ROOT / "docs").rglob("*.md"))]
TYPED = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]
ALSO = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "llms.txt", "tests/README.md"]


def names(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", TYPED, ids=names)
def test_a_page_s_commands_do_what_it_says(page, reader):
    assert reader.follow(page) > 0


def _links(page: Path) -> Iterator[tuple[str, str]]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            yield tuple(target.partition("#")[::2])  # type: ignore[misc]


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, *(ROOT / name for name in ALSO)], ids=names)
def test_every_link_leads_somewhere(page):
    for file, anchor in _links(page):
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{file} in {names(page)}"
        if anchor:
            assert anchor in _anchors(target), f"{file}#{anchor} in {names(page)}"


@pytest.mark.parametrize(
    ("expected", "observed", "same"),
    [
        ("a\nb", "a\nb\n", True),
        ("a ... c", "a b b c", True),
        ("a\n...\nd", "a\nb\nc\nd", True),
        ("a\n...", "a", True),
        ("a", "a\nb", False),
        ("a.c", "abc", False),
        ("a\n...\nd", "a\nb\nc", False),
    ],
)
def test_output_is_compared_with_wildcards(expected, observed, same, reader):
    assert reader.matches(expected, observed) is same
