"""The tests of a team, unchanged, on one server after the other: each passes, or its mark says why it is skipped."""

from __future__ import annotations

import os
import re
import subprocess
import venv
from pathlib import Path

import pytest

from .measure import PAGE, SETTINGS, Measured, measure

LEAST = 40
SDK = "conductor-python==2.0.0"


def assert_all_is_well(measured: Measured, *marks: str) -> None:
    assert len(measured.outcomes) >= LEAST, measured.text[-4000:]
    assert set(measured.outcomes.values()) == {"passed", *marks}, measured.text[-6000:]


def test_in_process_all_pass_that_need_no_conductor():
    assert_all_is_well(measure(SETTINGS[0]), "live")


def test_on_an_engine_at_a_url_the_same_pass():
    assert_all_is_well(measure(SETTINGS[2]), "live")


@pytest.mark.live
@pytest.mark.parametrize(
    "setting", [SETTINGS[3], SETTINGS[5], SETTINGS[6]], ids=lambda each: f"{each.name} {each.time}"
)
def test_on_a_conductor_all_pass_that_need_no_clock_that_can_jump(live_server, setting):
    needs_scaled = ("scaled",) if setting.time == "real" else ()
    assert_all_is_well(measure(setting, url=live_server.url), "virtual", *needs_scaled)


@pytest.mark.live
@pytest.mark.slow  # an environment of its own for conductor-python
def test_with_workers_of_the_official_sdk_all_pass_too(live_server, tmp_path, monkeypatch):
    folder = Path(os.environ.get("K1N_SDK_VENV") or tmp_path / "venv")
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", SDK], check=True, timeout=300)
    monkeypatch.setenv("K1N_SDK_PYTHON", str(interpreter))
    (setting,) = (each for each in SETTINGS if each.worker == "sdk")
    assert_all_is_well(measure(setting, url=live_server.url), "virtual")


def test_the_table_in_the_docs_shows_every_test_and_no_failure():
    text = PAGE.read_text(encoding="utf-8")
    assert "✗" not in text
    shown = set(re.findall(r"^\| (test_\w+(?:::\w+)?::\w+)", text, re.MULTILINE))
    defined = {
        f"{path.stem}::{owner + '::' if owner else ''}{name}"
        for path in sorted((PAGE.parents[2] / "tests" / "users" / "project").glob("test_*.py"))
        for owner, name in _tests_of(path.read_text(encoding="utf-8"))
    }
    assert defined == shown, "run: make servers-table"


def _tests_of(source: str) -> list[tuple[str, str]]:
    owner, found = "", []
    for line in source.splitlines():
        if match := re.match(r"class (Test\w+)", line):
            owner = match[1]
        elif match := re.match(r"(    )?def (test_\w+)", line):
            found.append((owner if match[1] else "", match[2]))
    return found
