"""The `k1n` command as a whole: mistakes in one line, and nothing that a terminal would obey."""

import io
import json
import os
import subprocess
import sys
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from pytest_k1n.cli import main
from pytest_k1n.commands.shown import Shown

HOSTILE = "\x1b]0;owned\x07"


def test_a_word_that_is_no_command_is_shown_not_obeyed(capsys):
    assert main([HOSTILE]) == 2
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize(
    "words",
    [
        ["check", "{}"],
        ["lint", "{}"],
        ["check", "x", "--plan={}"],
        ["validate", "{}"],
        ["run", "x", "--output", "a={}"],
    ],
)
def test_a_named_pipe_that_nobody_writes_into_is_not_waited_for(tmp_path, capsys, words):
    pipe = tmp_path / "executions.json"
    os.mkfifo(pipe)
    assert main([word.format(pipe) for word in words]) == 2
    assert "is a named pipe, which may never end" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["check", ""], ["lint", ""], ["coverage", "x.json", ""], ["check", "--server", "", ""]]
)
def test_a_name_that_is_empty_is_not_the_current_folder(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fine.json").write_text('{"name": "fine", "tasks": []}')
    assert main(words) == 2
    assert "a name is empty" in capsys.readouterr().err


def test_an_option_may_be_given_nothing(capsys):
    assert main(["check", "--server", "", "nowhere.json"]) == 2
    assert "nowhere.json" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
@pytest.mark.parametrize(
    "words",
    [
        ["run", "{}", "--input", "/dev/zero"],
        ["run", "{}", "--output", "a=/dev/zero"],
        ["worker", "--server", "http://127.0.0.1:1", "--types", "a", "--jitters", "/dev/zero"],
        ["worker", "--server", "http://127.0.0.1:1", "--types", "a", "--estimates", "/dev/zero"],
        ["chaos", "{}", "--coverage", "/dev/zero", "--runs", "1"],
        ["conformance", "--cases", "/dev/zero", "--list"],
    ],
)
def test_a_file_without_an_end_is_not_read_to_it(tmp_path, capsys, words):
    path = tmp_path / "fine.json"
    path.write_text('{"name": "fine", "tasks": [{"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}]}')
    with suppress(SystemExit):  # of argparse
        assert main([word.format(path) for word in words]) == 2
    assert "/dev/zero" in capsys.readouterr().err


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


def k1n(*words, **streams):
    return subprocess.Popen([sys.executable, "-m", "pytest_k1n", *words], stdin=subprocess.DEVNULL, **streams)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2), (("--help",), 0), (("--version",), 0), (("server", "status"), 3), (("server", "stop"), 0),
        (("nonsense",), 2), (("lint", "definition.json"), 1), (("lint", "--help"), 0),
    ],
)  # fmt: skip
def test_a_reader_that_has_gone_changes_no_exit_code_and_is_no_mistake(words, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tasks = [{"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["nobody"]}]
    (tmp_path / "definition.json").write_text(json.dumps({"name": "w", "tasks": tasks}))
    for heard in (True, False):
        read, write = os.pipe()
        os.close(read)
        ran = k1n(*words, stdout=write, stderr=subprocess.PIPE if heard else write)
        os.close(write)
        told = (ran.communicate(timeout=60)[1] or b"").decode()
        assert ran.returncode == code
        assert "Broken pipe" not in told
        assert "Traceback" not in told


def test_what_cannot_be_written_is_no_success():
    with Path("/dev/full").open("w") as full:
        ran = k1n("--help", stdout=full, stderr=subprocess.PIPE, text=True)
        told = ran.communicate(timeout=60)[1]
    assert (ran.returncode, told.count("\n")) == (2, 1)
    assert "No space left" in told


def test_a_terminal_of_another_age_gets_escapes_for_what_it_has_no_letters_for(tmp_path):
    path = tmp_path / "definition.json"
    path.write_text(json.dumps({"name": "✅", "tasks": [{"name": "a", "taskReferenceName": "a"}]}))
    ran = k1n("validate", path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
              env={**os.environ, "PYTHONIOENCODING": "latin-1"})  # fmt: skip
    out, err = ran.communicate(timeout=60)
    assert rb"\u2705" in out
    assert (ran.returncode, err) == (0, b"")


@pytest.mark.parametrize(("no_colour", "has_colour"), [(None, True), ("", True), ("1", False)])
def test_a_command_knows_that_its_output_is_a_terminal(no_colour, has_colour, tmp_path):
    path = tmp_path / "definition.json"
    path.write_text(json.dumps({"name": "w", "tasks": [{"name": "a", "taskReferenceName": "a"}]}))
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    environment |= {} if no_colour is None else {"NO_COLOR": no_colour}
    ours, theirs = os.openpty()
    ran = k1n("lint", path, stdout=theirs, env=environment)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # the end of a terminal
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert (ran.wait(60), b"\x1b[" in shown) == (0, has_colour)


def test_what_is_to_be_seen_at_once_is_not_kept_back():
    class Kept(io.StringIO):
        flushed = 0

        def flush(self):
            self.flushed += 1

    stream = Kept()
    print("one", file=Shown(stream), flush=True)
    assert stream.flushed


def test_what_goes_on_for_ever_learns_that_nobody_reads_it():
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        shown = Shown(stream)
        assert shown.is_read()
        os.close(read)
        assert not shown.is_read()
        print("on", file=shown, flush=True)


def test_a_folder_is_validated_file_by_file(tmp_path, capsys):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "task.json").write_text('{"name": "a", "ownerEmail": "me@example.com"}')
    (tmp_path / "bad.toml").write_text("schema = ")
    (tmp_path / "notes.txt").write_text("no JSON")
    assert main(["validate", str(tmp_path)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0].rpartition("/")[2] for line in told] == ["bad.toml", "task.json"]
    (tmp_path / "none").mkdir()
    assert main(["validate", str(tmp_path / "none")]) == 2
    assert "Is a directory" in capsys.readouterr().err
    assert main(["validate", "x" * 5000]) == 2


def test_a_name_of_several_lines_is_told_on_one(capsys):
    assert main(["run", "a\n1 passed"]) == 2
    assert capsys.readouterr().err.splitlines() == ["k1n run: a\\n1 passed: cannot be read: No such file or directory"]


def test_an_argument_of_thousands_of_letters_is_shortened(capsys):
    with pytest.raises(SystemExit):
        main(["baseline", "list", "x" * 5000])
    assert max(map(len, capsys.readouterr().err.splitlines())) < 2100


@pytest.mark.parametrize(
    "words",
    [
        ["coverage", "x", "--fail-under", "nan"],
        ["coverage", "x", "--fail-under", "-5"],
        ["worker", "--speed", "nan"],
        ["worker", "--speed", "inf"],
        ["check", "x", "--speed", "-1"],
        ["profile", "follow", "x", "--within", "nan"],
        ["server", "logs", "-n", "0"],
    ],
)
def test_a_number_that_is_none_is_refused(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert f"{words[-1]!r} is not a" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["init", "{}"], ["doctor", "--results", "{}"], ["doctor", "--json", "--results", "{}"]]
)
def test_a_folder_named_by_a_url_is_shown_without_its_password(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([word.format("http://me:hunter2@host/x") for word in words]) == 0
    assert "hunter2" not in capsys.readouterr().out


def test_a_link_to_itself_is_one_line(tmp_path, capsys):
    loop = tmp_path / "java"
    loop.symlink_to(loop)
    assert main(["server", "start", "--tier", "jar", "--java", str(loop)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def named_with(sign: str, value: object, key: str = "") -> object:
    """Put a sign into every name, reference and reason of an execution."""
    if isinstance(value, dict):
        return {name: named_with(sign, inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [named_with(sign, inner, key) for inner in value]
    named = ("name", "taskReferenceName", "referenceTaskName", "taskDefName", "workflowName", "workflowType", "joinOn")
    return value + sign if isinstance(value, str) and key in (*named, "reasonForIncompletion") else value


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    def write(sign):
        known = json.loads((Path(__file__).parents[2] / "fixtures/histories/template-02.json").read_text())
        made = named_with(sign, known)
        (tmp_path / "e.json").write_text(json.dumps(made))
        (tmp_path / "d.json").write_text(json.dumps(made["workflowDefinition"]))
        monkeypatch.chdir(tmp_path)

    return write


@pytest.mark.parametrize(
    "words",
    ["check e.json", "gates e.json", "show d.json", "show e.json", "whatif e.json", "diff e.json e.json",
     "validate d.json e.json", "run d.json", "lint d.json", "coverage e.json"],
)  # fmt: skip
def test_a_name_with_a_line_break_fakes_no_line(words, hostile, capsys):
    hostile("\n1 passed")
    main(words.split())
    shown = capsys.readouterr()
    assert "\\n1 passed" in shown.out + shown.err
    assert not [line for line in (shown.out + shown.err).splitlines() if line.startswith("1 passed")]


@pytest.mark.parametrize("sign", ["\x9b", "\x85", "\x7f", "\u202e", "\U000e0041"])
@pytest.mark.parametrize("words", ["check e.json --json", "gates e.json --json", "lint d.json --format sarif"])
def test_json_stays_json_whatever_a_name_holds(words, sign, hostile, capsys):
    hostile(sign)
    main(words.split())
    shown = capsys.readouterr().out
    assert sign not in shown
    assert json.dumps(sign)[1:-1].replace("\x7f", "\\u007f") in json.dumps(json.loads(shown)).replace("\x7f", "\\u007f")
