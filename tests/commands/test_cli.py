"""The `k1n` command as a whole: mistakes in one line, and nothing that a terminal would obey."""

import subprocess
import sys
from contextlib import nullcontext

import pytest

from pytest_k1n.cli import main

HOSTILE = "\x1b]0;owned\x07"


def test_a_word_that_is_no_command_is_shown_not_obeyed(capsys):
    assert main([HOSTILE]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_a_mistake_in_what_a_user_names_is_one_harmless_line(capsys):
    assert main(["check", HOSTILE]) == 2
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert r"\x1b]0;owned\x07" in shown


def test_what_a_command_prints_of_a_file_cannot_steer_the_terminal(tmp_path):
    path = tmp_path / "definition.json"
    path.write_text('{"name": "\\u001b]0;owned\\u0007", "tasks": [{"name": "a", "taskReferenceName": "a"}]}')
    ran = subprocess.run([sys.executable, "-m", "pytest_k1n", "validate", path], capture_output=True, text=True)
    assert r"\x1b]0;owned\x07" in ran.stdout
    assert "\x1b" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("command", ["check", "gates", "worker"])
def test_a_server_without_a_scheme_does_not_show_its_password(command, capsys):
    words = [command, *(["x"] if command != "worker" else []), "--server", "me:secret@127.0.0.1:18500"]
    with pytest.raises(SystemExit) if command == "worker" else nullcontext():
        assert main(words) == 2
    shown = capsys.readouterr()
    assert "127.0.0.1:18500" in shown.err
    assert "secret" not in shown.err + shown.out


@pytest.mark.parametrize("verb", ["stop", "status", "logs"])
def test_a_project_that_is_not_there_is_not_taken_for_this_one(verb, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("K1N_PROJECT", "elsewhere")
    assert main(["server", verb]) == 2
    assert "K1N_PROJECT=elsewhere: no such folder" in capsys.readouterr().err


def test_an_option_that_a_command_does_not_know_is_repeated_without_its_secret(capsys):
    with pytest.raises(SystemExit):
        main(["run", "x.json", "--server", "me:hunter2@127.0.0.1:18500"])
    assert "--server ***@127.0.0.1:18500" in capsys.readouterr().err
