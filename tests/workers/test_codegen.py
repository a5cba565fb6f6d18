"""The work of task 8: the same code with and without each strategy, together with others, and after any crash.

Every generation compiles with processes of Python: that is why these tests take tenths of a second.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from checked_file import Torn, read_checked, replace_bytes, sweep, update_checked
from generation import STRATEGIES, CheckFailed, Job, digest, generate
from library import BadLibrary, Pattern, Template, compile_template, render
from metering import UNITS_MS, Meter

CODEGEN = Path(__file__).parents[2] / "ops" / "codegen"
ONE_OF_EACH = ("artifact", "severity", "percent", "lease")
SETS = (frozenset(), *(frozenset({each}) for each in STRATEGIES), frozenset(STRATEGIES))


class Run:
    """One generation: what it logged, what it costs in minutes of workflow time, the digest of what came out."""

    def __init__(self, library: Path, folder: Path, strategies: frozenset[str]) -> None:
        self.lines: list[str] = []
        meter = Meter(1e9, self.lines.append)
        job = Job(library=library, output=folder / "out", cache=folder / "cache", strategies=strategies)
        self.digest = digest(generate(job, meter))
        self.workflow_s = meter.spent.cost_ms / 1000
        self.log = "\n".join(self.lines)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return small_library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return small_library(tmp_path_factory.mktemp("library"), names=("lease",))


@pytest.fixture
def own_library(tmp_path):
    return small_library(tmp_path / "library")


def small_library(folder: Path, names: Sequence[str] = ONE_OF_EACH) -> Path:
    """A library of few patterns; by default one for each template."""
    shutil.copytree(CODEGEN / "templates", folder / "templates")
    (folder / "patterns").mkdir()
    for name in names:
        shutil.copy(CODEGEN / "patterns" / f"{name}.toml", folder / "patterns")
    return folder


@pytest.fixture(scope="module")
def runs(library, tmp_path_factory):
    folders = {strategies: tmp_path_factory.mktemp("state") for strategies in SETS}
    return {
        (strategies, age): Run(library, folders[strategies], strategies)
        for strategies, age in product(SETS, ("cold", "warm"))
    }


def test_every_strategy_makes_the_same_code_to_the_byte_cold_and_warm(runs):
    assert len({run.digest for run in runs.values()}) == 1


@pytest.mark.parametrize(
    ("strategies", "cold_s", "warm_s"),
    [
        ((), 300, 300),
        (("cache",), 300, 300 - 4 * 3),
        (("parallel",), 4 * 30 + 2 * 25 + 2 * 20, 4 * 30 + 2 * 25 + 2 * 20),
        (("incremental",), 300, 300 - 4 * 20),
        (STRATEGIES, 4 * 30 + 12 + 2 * 22 + 2 * 20, 4 * 30 + 2 * 22),
    ],
    ids=["none", *STRATEGIES, "all"],
)
def test_a_strategy_saves_the_units_that_it_leaves_out_or_overlaps(runs, strategies, cold_s, warm_s):
    chosen = frozenset(strategies)
    assert (runs[chosen, "cold"].workflow_s, runs[chosen, "warm"].workflow_s) == (cold_s, warm_s)


@pytest.mark.parametrize(
    ("strategy", "says"),
    [
        ("cache", "Using cached compiled templates"),
        ("parallel", "Parallel generation: 3 workers"),
        ("incremental", "No changes, skipping compilation"),
    ],
)
def test_a_strategy_says_in_the_log_that_it_was_used_and_only_then(runs, strategy, says):
    assert [strategies for strategies in SETS if says in runs[strategies, "warm"].log] == [
        strategies for strategies in SETS if strategy in strategies
    ]


def test_the_whole_library_takes_the_quarter_of_an_hour_that_the_plan_gives_it():
    patterns = len(list((CODEGEN / "patterns").glob("*.toml")))
    assert patterns * sum(UNITS_MS.values()) == 15 * 60_000


def test_only_a_changed_pattern_is_compiled_again(own_library, tmp_path):
    Run(own_library, tmp_path, frozenset(STRATEGIES))
    changed = own_library / "patterns" / "percent.toml"
    changed.write_text(changed.read_text().replace("share", "part"))
    second = Run(own_library, tmp_path, frozenset(STRATEGIES))
    assert "[INFO] Incremental compilation: 3 of 4 unchanged" in second.lines
    assert second.digest == Run(own_library, tmp_path / "fresh", frozenset()).digest


def test_a_changed_template_is_compiled_again(own_library, tmp_path):
    Run(own_library, tmp_path, frozenset({"cache"}))
    changed = own_library / "templates" / "limit.py.tmpl"
    changed.write_text(changed.read_text().replace("nearest", "closest"))
    second = Run(own_library, tmp_path, frozenset({"cache"}))
    assert "[INFO] Compiling templates: 1 of 4 were not in the cache" in second.lines
    assert second.digest == Run(own_library, tmp_path / "fresh", frozenset()).digest


def damaged(data: bytes) -> dict[str, bytes]:
    return {"empty": b"", "half": data[: len(data) // 2], "other": data.replace(b"a", b"b"), "longer": data + b" "}


@pytest.mark.parametrize("file", ["templates/compiled_templates.cache", "compile.manifest"])
@pytest.mark.parametrize("damage", ["empty", "half", "other", "longer"])
def test_a_torn_cache_is_noticed_and_made_anew(tiny, tmp_path, file, damage):
    first = Run(tiny, tmp_path, frozenset(STRATEGIES))
    path = tmp_path / "cache" / file
    path.write_bytes(damaged(path.read_bytes())[damage])
    second = Run(tiny, tmp_path, frozenset(STRATEGIES))
    assert f"[WARN] {path} is torn: it is made anew" in second.lines
    assert second.digest == first.digest
    assert "[WARN]" not in Run(tiny, tmp_path, frozenset(STRATEGIES)).log


def test_compiled_code_that_was_damaged_is_compiled_again(library, tmp_path):
    first = Run(library, tmp_path, frozenset(STRATEGIES))
    code = next((tmp_path / "cache" / "compiled").glob("lease*"))
    code.write_bytes(code.read_bytes()[:-1])
    second = Run(library, tmp_path, frozenset(STRATEGIES))
    assert "[INFO] Incremental compilation: 3 of 4 unchanged" in second.lines
    assert second.digest == first.digest


def started(library: Path, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, CODEGEN, "--library", library, "--output", folder / "out", "--cache", folder / "cache"]
    return subprocess.Popen([*map(str, command), "--speed", "1e9"], stdout=subprocess.PIPE, text=True)


def test_several_at_once_share_a_cache_and_all_make_the_same(tiny, tmp_path):
    def told() -> str:
        with started(tiny, tmp_path) as process:
            return process.communicate()[0]

    with ThreadPoolExecutor(4) as pool:
        lines = list(pool.map(lambda _: told(), range(4)))
    assert {json.loads(each.splitlines()[-1])["digest"] for each in lines} == {
        Run(tiny, tmp_path / "alone", frozenset()).digest
    }
    assert "[WARN]" not in "".join(lines)
    assert "[INFO] No changes, skipping compilation" in Run(tiny, tmp_path, frozenset(STRATEGIES)).lines


def test_whenever_it_is_killed_the_next_one_makes_the_same_and_tidies_up(tiny, tmp_path):
    expected = Run(tiny, tmp_path / "alone", frozenset()).digest
    for wait_s in (0.05, 0.1, 0.15, 0.2, 0.3):
        with started(tiny, tmp_path) as process:
            time.sleep(wait_s)  # a different point of its work each time
            process.send_signal(signal.SIGKILL)
        run = Run(tiny, tmp_path, frozenset(STRATEGIES))
        assert run.digest == expected
        assert list(tmp_path.rglob("*.draft")) == []
        shutil.rmtree(tmp_path / "cache")


def test_every_shorter_version_of_a_checked_file_counts_as_torn(tmp_path):
    path = tmp_path / "file"
    update_checked(path, lambda before: before | {"a": 1})
    update_checked(path, lambda before: before | {"b": [2]})
    assert read_checked(path) == {"a": 1, "b": [2]}
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(Torn):
            read_checked(path)
    update_checked(path, lambda before: before | {"c": 3})
    assert read_checked(path) == {"c": 3}


def test_the_draft_of_a_living_writer_stays_and_that_of_a_dead_one_goes(tmp_path):
    with subprocess.Popen(["true"]) as gone:
        pass
    dead, living = (tmp_path / f".f.{pid}.draft" for pid in (gone.pid, os.getpid()))
    for draft in (dead, living):
        draft.touch()
    sweep(tmp_path)
    assert (dead.exists(), living.exists()) == (False, True)


def test_a_file_is_replaced_whole_or_stays(tmp_path):
    path = tmp_path / "f"
    replace_bytes(path, b"old")
    (tmp_path / f".f.{os.getpid()}.draft").mkdir()  # nothing can be written there
    with pytest.raises(OSError, match="draft"):
        replace_bytes(path, b"new")
    assert path.read_bytes() == b"old"


def test_code_whose_examples_do_not_hold_is_not_written(own_library, tmp_path):
    wrong = own_library / "patterns" / "percent.toml"
    wrong.write_text(wrong.read_text().replace('result = "100"', 'result = "99"'))
    with pytest.raises(CheckFailed, match=r"examples: .*percent.*99.*100"):
        Run(own_library, tmp_path, frozenset())
    assert not (tmp_path / "out").exists()


def test_code_that_does_not_compile_is_not_written(own_library, tmp_path):
    (own_library / "templates" / "limit.py.tmpl").write_text("def {function}(:\n")
    with pytest.raises(CheckFailed, match=r"py_compile: .*SyntaxError"):
        Run(own_library, tmp_path, frozenset())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("patterns/percent.toml", "template = ", "percent.toml: Invalid value"),
        ("patterns/percent.toml", "", "percent.toml: a pattern names its template"),
        ("patterns/percent.toml", 'template = "none"', "asks for template none, which is not there"),
        ("patterns/percent.toml", 'template = "limit"', "pattern percent lacks 'title' that template limit asks for"),
        ("patterns/per-cent.toml", 'template = "limit"', "its file is named as a module may be"),
        ("templates/limit.py.tmpl", "\n{a", "template limit, line 2: expected '}' before end of string"),
    ],
)
def test_a_library_that_cannot_be_used_is_told_in_one_line(own_library, tmp_path, file, text, says):
    (own_library / file).write_text(text)
    command = [sys.executable, CODEGEN, "--library", own_library, "--output", tmp_path / "o", "--cache", tmp_path / "c"]
    run = subprocess.run([*command, "--speed", "1e9"], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert says in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_line_for_each_item_and_braces_that_stay():
    compiled = compile_template(Template(name="t", text="{{{a}}}\n@each rows -{b}\nend\n"))
    pattern = Pattern(name="p", template="t", values={"a": 1, "rows": [{"b": 2}, {"b": 3}]})
    assert render(compiled, pattern) == "{1}\n-2\n-3\nend\n"


def test_a_library_without_patterns_is_said_so(tmp_path):
    with pytest.raises(BadLibrary, match="no pattern"):
        Run(tmp_path, tmp_path, frozenset())
