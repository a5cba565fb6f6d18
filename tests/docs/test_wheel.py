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


VIRTUAL = """
WORK = {"name": "work", "taskReferenceName": "work", "type": "SIMPLE"}

def test_it(conductor):
    conductor.run({"name": "SHORT", "tasks": [WORK]})
"""
SCALED = """
def test_it(conductor):
    conductor.run("order")
"""


def test_the_base_install_brings_pytest_requests_and_jsonschema_and_what_these_need(environment):
    listed = subprocess.run(
        [environment / "pip", "list", "--format=freeze"], check=True, capture_output=True, text=True
    )
    installed = {line.partition("=")[0].lower() for line in listed.stdout.splitlines()}
    assert {"pytest", "requests", "jsonschema", "pytest-k1n"} <= installed
    assert installed.isdisjoint({"jinja2", "uvicorn", "pytest-xdist", "httptools", "uvloop", "jq"})


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("k1n", "server", "start", "--tier=embedded", "--port=0"), 1),
        (("python", "-m", "pytest_k1n.engine.serving.serve"), 2),
        (("pytest", "-q", "--k1n-server=embedded", "--k1n-time=scaled"), 4),
    ],
)
def test_without_the_extra_serve_one_line_says_what_to_type(environment, tmp_path, command, code):
    (tmp_path / "test_scaled.py").write_text(SCALED)
    home = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "PYTHONPATH": ""}
    argv = [str(environment / command[0]), *command[1:]]
    run = subprocess.run(argv, cwd=tmp_path, env=home, capture_output=True, text=True, check=False, timeout=60)
    said = [line for line in (run.stdout + run.stderr).splitlines() if "uvicorn" in line]
    assert run.returncode == code, run.stdout + run.stderr
    (line,) = said
    assert line.endswith('needs uvicorn: pip install "pytest-k1n[serve]"')


def test_without_the_extra_serve_virtual_time_goes_on(environment, tmp_path):
    (tmp_path / "test_virtual.py").write_text(VIRTUAL)
    argv = [str(environment / "pytest"), "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert "1 passed" in run.stdout, run.stdout + run.stderr
