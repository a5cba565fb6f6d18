"""The tutorial as a new user types it: the built wheel in a fresh environment, an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # builds a wheel and installs it with its dependencies
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel of this checkout and nothing else; its folder of programs."""
    folder = tmp_path_factory.mktemp("wheel")
    quiet = {"check": True, "capture_output": True, "text": True}
    subprocess.run([sys.executable, "-m", "build", "--wheel", f"--outdir={folder}", str(ROOT)], **quiet)
    (wheel,) = folder.glob("pytest_k1n-*.whl")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], **quiet)
    programs = folder / "venv" / "bin"
    subprocess.run([str(programs / "pip"), "install", "--quiet", str(wheel)], **quiet)
    return programs


@pytest.mark.parametrize("page", ["docs/tutorial.md", "README.md", "docs/how-to/handlers.md"])
def test_a_page_holds_with_the_installed_wheel(page, environment, reader):
    reader.environment["PATH"] = f"{environment}{os.pathsep}{os.environ['PATH']}"
    reader.environment.pop("VIRTUAL_ENV", None)
    assert reader.follow(ROOT / page) > 0
    where = reader.type("python -c 'import pytest_k1n; print(pytest_k1n.__file__)'")
    assert where.startswith(str(environment.parent))
