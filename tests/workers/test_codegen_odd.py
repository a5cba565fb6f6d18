"""Task 8 with what nobody should give it: caches that are none, odd libraries, code that does not end."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

import generation
from checked_file import Torn, read_checked, replace_bytes, sweep
from generation import STRATEGIES, CheckFailed, Job, digest, generate
from library import BadLibrary, Pattern, Template, check_names, compile_template, read_pattern, read_templates, render
from metering import Meter

CODEGEN = Path(__file__).parents[2] / "ops" / "codegen"


@pytest.fixture
def library(tmp_path):
    """A library of one pattern."""
    folder = tmp_path / "library"
    shutil.copytree(CODEGEN / "templates", folder / "templates")
    (folder / "patterns").mkdir()
    shutil.copy(CODEGEN / "patterns" / "percent.toml", folder / "patterns")
    return folder


def made(library: Path, folder: Path) -> tuple[str, str]:
    """Generate with every strategy; return the digest and the log."""
    lines: list[str] = []
    job = Job(library=library, output=folder / "out", cache=folder / "cache", strategies=frozenset(STRATEGIES))
    hashed = digest(generate(job, Meter(1e9, lines.append)))
    return hashed, "\n".join(lines)


def sealed(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff\xfe", b"[1]"], ids=["half", "deep", "bytes", "list"])
def test_a_sum_that_holds_makes_no_cache_of_what_is_none(tmp_path, body):
    path = tmp_path / "file"
    path.write_bytes(sealed(body))
    with pytest.raises(Torn):
        read_checked(path)


@pytest.mark.parametrize(
    "make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)], ids=["dir", "fifo", "loop"]
)
def test_what_is_no_file_is_no_cache_and_gives_way_to_one(tmp_path, make):
    path = tmp_path / "file"
    make(path)
    with pytest.raises(Torn):
        read_checked(path)
    replace_bytes(path, sealed(b"{}"))
    assert read_checked(path) == {}


def test_drafts_that_no_process_could_have_left_disturb_nobody(tmp_path):
    for name in (".x.draft", ".draft", f".x.{10**30}.draft"):
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".draft", ".x.draft"]


def test_compiled_templates_of_another_library_or_maker_are_not_used(library, tmp_path):
    first, _ = made(library, tmp_path)
    path = tmp_path / "cache" / "templates" / "compiled_templates.cache"
    known = json.loads(path.read_bytes().partition(b"\n")[2])
    for other in ([], [[1]], "x", None, [[None, [["pfui", None]]]], [[[None, [["pfui", None]]]], "0" * 64]):
        path.write_bytes(sealed(json.dumps(dict.fromkeys(known, other)).encode()))
        assert made(library, tmp_path)[0] == first


def test_a_cache_that_cannot_be_written_costs_time_and_not_the_result(library, tmp_path):
    first, _ = made(library, tmp_path)
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "cache").touch()  # a file where the folder should be
    second, log = made(library, blocked)
    assert second == first
    assert "[WARN] the cache cannot be written" in log


def with_code(library: Path, code: str, name: str = "odd") -> Path:
    (library / "templates" / "odd.py.tmpl").write_text(code)
    (library / "patterns" / f"{name}.toml").write_text('template = "odd"\n')
    return library


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise SystemExit(0)\n", r"odd\.py cannot be loaded: SystemExit"),
        ("import os\nos._exit(0)\n", "ended with exit code 0"),
        ("import not_there\n", r"odd\.py cannot be loaded: ModuleNotFoundError"),
        ("print('hello')\n", "hello"),
    ],
)
def test_code_that_ends_the_check_does_not_pass_it(library, tmp_path, code, says):
    with pytest.raises(CheckFailed, match=f"examples: .*{says}"):
        made(with_code(library, code), tmp_path)


def test_code_that_does_not_end_is_ended(library, tmp_path, monkeypatch):
    monkeypatch.setattr(generation, "_LIMIT_S", 1)
    monkeypatch.setattr(generation, "_LIMIT_EACH_S", 0.2)
    with pytest.raises(CheckFailed, match="has not ended after"):
        made(with_code(library, "while True:\n    pass\n"), tmp_path)


def test_a_module_called_as_one_of_pythons_own_is_checked_itself(library, tmp_path):
    with pytest.raises(CheckFailed, match=r"examples: .*os\.py"):
        made(with_code(library, '""">>> 1\n2\n"""\n', name="os"), tmp_path)


def test_a_template_that_nothing_is_made_of_is_not_read(library, tmp_path):
    (library / "templates" / "unused.py.tmpl").write_text("{")
    assert made(library, tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("\n@each rows\n", "line 2: write @each LIST TEXT"),
        ("@each \n", "line 1: write @each LIST TEXT"),
        ("{a!r}", "line 1: {a} is all that can be said"),
        ("{a:>9}", "line 1: {a} is all that can be said"),
    ],
)
def test_a_template_that_asks_too_much_is_told_by_its_line(text, says):
    with pytest.raises(BadLibrary, match=says):
        compile_template(Template(name="t", text=text))


def test_a_template_that_is_no_text_is_told_by_its_file(library):
    (library / "templates" / "odd.py.tmpl").write_bytes(b"\xe9")
    with pytest.raises(BadLibrary, match=r"odd\.py\.tmpl: 'utf-8'"):
        read_templates(library / "templates", [Pattern(name="p", template="odd", values={})])


@pytest.mark.parametrize("name", ["class", "__main__", "a-b", "1a"])
def test_a_pattern_whose_module_nobody_could_import_is_refused(tmp_path, name):
    path = tmp_path / f"{name}.toml"
    path.write_text('template = "t"')
    with pytest.raises(BadLibrary, match="named as a module may be"):
        read_pattern(path)


@pytest.mark.parametrize(("one", "other"), [("Order", "order"), ("e\u0301", "\u00e9")])
def test_two_patterns_of_one_module_are_refused_by_name(one, other):
    with pytest.raises(BadLibrary, match=f"patterns {one} and {other} name one module"):
        check_names([Pattern(name=name, template="t", values={}) for name in (one, other)])


def test_a_pattern_that_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "p.toml")
    with pytest.raises(BadLibrary, match=r"p\.toml cannot be read"):
        read_pattern(tmp_path / "p.toml")


@pytest.mark.parametrize("rows", ["abc", 3, ["a"]])
def test_a_list_that_is_none_is_asked_for_by_its_name(rows):
    compiled = compile_template(Template(name="t", text="@each rows -{b}\n"))
    with pytest.raises(BadLibrary, match=r"asks for a list of tables, \[\[rows\]\]"):
        render(compiled, Pattern(name="p", template="t", values={"rows": rows}))
