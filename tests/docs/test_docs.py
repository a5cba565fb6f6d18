"""The pages under docs/ and the README: reference up to date, every command does what the page says, no dead link."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SKILL.md", *sorted((ROOT / "docs").rglob("*.md"))]
TYPED = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]
ALSO = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "llms.txt", "tests/README.md"]
REFERENCE = [
    "options", "markers", "fixtures", "expectations", "findings", "quality-gates", "plan", "results", "run", "coverage",
    "lint", "commands", "upgrading",
]  # fmt: skip


def names(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("k1n_docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", REFERENCE)
def test_the_reference_is_what_the_code_says(generate, name):
    committed = generate.path_of(name).read_text(encoding="utf-8")
    assert committed == generate.page(name), "run: python docs/generate.py"


def test_the_schema_of_a_run_is_what_its_types_say(generate):
    assert generate.SCHEMA.read_text(encoding="utf-8") == generate.run_schema(), "run: python docs/generate.py"


@pytest.mark.parametrize("name", ["SKILL.md", "llms.txt"])
def test_the_pages_for_programs_are_what_the_others_say(generate, name):
    assert (ROOT / name).read_text(encoding="utf-8") == generate.generated()[ROOT / name], (
        "run: python docs/generate.py"
    )


def test_every_page_is_in_llms_txt(generate):
    listed = {file for file, _ in _links(ROOT / "llms.txt")}
    pages = {str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md")}
    assert pages - listed <= {"docs/index.md", "docs/explanation/architecture.md", "docs/explanation/changes.md"}


def test_every_reference_page_is_tested(generate):
    assert list(generate.PAGES) == REFERENCE


def test_a_stale_page_is_told_apart(generate, tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "docs" / "reference", tmp_path / "reference")
    monkeypatch.setattr(generate, "path_of", lambda name: tmp_path / "reference" / f"{name}.md")
    assert generate.main(["--check"]) == 0
    (tmp_path / "reference" / "options.md").write_text("old")
    assert generate.main(["--check"]) == 1
    assert "options.md is out of date" in capsys.readouterr().out
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


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
