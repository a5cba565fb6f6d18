"""The tests that README and docs show, on a real Conductor: they pass, or their mark says why they are skipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_k1n.servers.protocol import Endpoint

from .conftest import ROOT, steps

pytestmark = pytest.mark.live
WITHIN_S = 400


def _shows_tests(page: Path) -> bool:
    """Tell whether a page's files are tests that all pass; those that need its commands first are another matter."""
    text = page.read_text(encoding="utf-8")
    return (
        'title="test_' in text
        and " passed in" in text
        and " failed, " not in text
        and " failed in" not in text
        and "<!-- run:" not in text
    )


PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if _shows_tests(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_s_tests_pass_on_a_conductor(page: Path, live_server: Endpoint, tmp_path: Path) -> None:
    for step in steps(page.read_text(encoding="utf-8")):
        if step.file is not None:
            path = tmp_path / step.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--k1n-server={live_server.url}"]
    ran = subprocess.run(
        [*command, "--k1n-time=scaled"], cwd=tmp_path, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert ran.returncode == 0, ran.stdout[-6000:]
    assert " passed" in ran.stdout
