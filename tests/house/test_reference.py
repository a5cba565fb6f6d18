"""The pages that are written from the code are what the code says: `make docs` writes them."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = [
    "options", "markers", "fixtures", "expectations", "findings", "quality-gates", "plan", "results", "run", "coverage",
    "lint", "commands", "upgrading",
]  # fmt: skip


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
    assert committed == generate.page(name), "run: make docs"


def test_the_schema_of_a_run_is_what_its_types_say(generate):
    assert generate.SCHEMA.read_text(encoding="utf-8") == generate.run_schema(), "run: make docs"


@pytest.mark.parametrize("name", ["SKILL.md", "llms.txt"])
def test_the_pages_for_programs_are_what_the_others_say(generate, name):
    assert (ROOT / name).read_text(encoding="utf-8") == generate.generated()[ROOT / name], "run: make docs"


def test_every_page_is_in_llms_txt(generate):
    listed = set(re.findall(r"\]\(([^)\s#:]+)\)", (ROOT / "llms.txt").read_text(encoding="utf-8")))
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
