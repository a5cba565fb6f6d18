"""What a release will tell users: each fragment of changelog.d/ is well named, and towncrier takes all of them."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TYPES = [
    each["directory"] for each in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]["type"]
]
NAME = re.compile(rf"\d+\.[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(TYPES)})\.md")
FRAGMENTS = sorted(path for path in (ROOT / "changelog.d").iterdir() if path.name != "template.jinja")


def test_a_fragment_is_named_by_issue_subject_and_type():
    misnamed = [path.name for path in FRAGMENTS if not NAME.fullmatch(path.name)]
    assert misnamed == [], f"name it ISSUE.WHAT-IT-IS.TYPE.md, with TYPE one of {', '.join(TYPES)}"


def test_a_fragment_is_sentences():
    said = {path.name: path.read_text(encoding="utf-8") for path in FRAGMENTS}
    assert [name for name, text in said.items() if not text.strip()] == []
    listed = [name for name, text in said.items() if text.startswith(("#", "-", "*"))]
    assert listed == [], "the list and its headings are made by towncrier"


@pytest.mark.parametrize(
    "name", ["faster.change.md", "8.change.md", "8.Faster.change.md", "8.faster.speed.md", "8.a.doc"]
)
def test_another_name_is_refused(name):
    assert not NAME.fullmatch(name)


def test_the_next_release_tells_every_fragment():
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "99", "--date", "2026-01-01"]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "## 99 (2026-01-01)" in text
    for path in FRAGMENTS:
        assert path.read_text(encoding="utf-8").split("\n")[0].strip() in text
