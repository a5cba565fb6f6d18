"""`k1n tiers`: a suite run on several tiers, each by a pytest of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_k1n.cli import main

ROOT = Path(__file__).parents[2]


def test_the_suite_on_two_tiers_of_which_one_is_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("K1N_CONTAINER_CLI", "no-such-docker")
    words = ["--tiers", "embedded,docker", "--into", str(tmp_path), "--", "suites", "-m", "batch1", "-q"]
    assert main(["tiers", *words, "-p", "no:cacheprovider"]) == 0
    text = (tmp_path / "tiers.md").read_text()
    assert text in capsys.readouterr().out
    assert "| embedded | embedded pytest-k1n" in text
    assert "docker was passed over: no container engine answers (no-such-docker: not on PATH)" in text
    assert (tmp_path / "embedded" / "template-01-single-task-results.json").is_file()


def test_a_pytest_that_refuses_says_why(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert main(["tiers", "--tiers", "embedded", "--into", str(tmp_path), "--", "no-such-folder"]) == 1
    assert "file or directory not found: no-such-folder (pytest exit code 4;" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["", "jar,jar"])
def test_each_tier_is_named_once(given, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["tiers", "--tiers", given])
    assert ended.value.code == 2
    assert "name each tier once" in capsys.readouterr().err


@pytest.mark.parametrize("tier", ["http://me:hunter2@127.0.0.1:9", "me:hunter2@host"])
def test_a_tier_at_a_url_is_shown_without_its_password(tier, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["tiers", "--tiers", tier, "--into", "kept"]) == 1
    written = [str(path) + path.read_text() for path in Path("kept").rglob("*") if path.is_file()]
    assert "hunter2" not in capsys.readouterr().out + "".join(written)
