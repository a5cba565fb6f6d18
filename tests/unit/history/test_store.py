"""The history file: what it keeps, who may write at once, what it refuses."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from k1n_support import samples
from k1n_support.samples import sample
from pytest_k1n.history.comparing import against_baseline
from pytest_k1n.history.file import HistoryError
from pytest_k1n.history.store import RING, Group, History

DAY_MS = 24 * 3_600_000


@pytest.fixture
def history(tmp_path):
    with History(tmp_path / "h.sqlite") as opened:
        yield opened


def accepted(history, count=3, **fields):
    history.add(sample(f"r{number}", at=number, **fields) for number in range(count))
    history.accept(history.executions(), now_ms=1000)


def compare(history, *new, now_ms=1000, **options):
    options = {"title": "wf", "is_exact": False, "now_ms": now_ms, "age_ms": 90 * DAY_MS} | options
    return against_baseline(history.baselines("wf"), new, **options)


def test_what_was_added_comes_back_as_it_was(history):
    assert history.add([sample("r1"), sample("r2", at=2)]) == 2
    assert history.samples(Group("wf", "d", "e"), last=5) == [sample("r1"), sample("r2", at=2)]
    assert history.trend(Group("wf", "d", "e"), last=1) == [("r2", 2, 2000)]


def test_an_execution_is_remembered_once_however_often_it_is_added(history):
    history.add([sample("r1")])
    assert history.add([sample("r1", ms=9)]) == 0
    assert [each.makespan_ms for each in history.executions()] == [2000]


def test_accepting_replaces_the_baseline_of_the_same_group_only(history):
    accepted(history)
    history.add([sample("other", environment="elsewhere", at=7), sample("new", at=8)])
    chosen = [each for each in history.executions() if each.run in ("other", "new")]
    history.accept(chosen, now_ms=2000)
    assert {each.group.environment: [one.run_uid for one in each.samples] for each in history.baselines("wf")} == {
        "e": ["new"], "elsewhere": ["other"],
    }  # fmt: skip
    history.accept([each for each in history.executions() if each.run == "r0"], now_ms=3000, add=True)
    assert [
        one.run_uid for each in history.baselines("wf") if each.group.environment == "e" for one in each.samples
    ] == ["r0", "new"]


def test_a_comparison_uses_a_ring_of_the_newest(history):
    accepted(history, RING + 5)
    (baseline,) = history.baselines("wf")
    assert [each.run_uid for each in baseline.samples] == [f"r{number}" for number in range(5, RING + 5)]


def test_merging_takes_executions_and_acceptance_of_both_and_does_nothing_twice(history, tmp_path):
    accepted(history, 2)
    with History(tmp_path / "other.sqlite") as other:
        other.add([sample("r1", at=1), sample("there", at=9)])
        other.accept([each for each in other.executions() if each.run == "there"], now_ms=5)
    assert history.merge(tmp_path / "other.sqlite") == (1, 0, 0)
    assert [each.run for each in history.executions() if each.accepted_ms is not None] == ["r0", "r1", "there"]
    assert history.merge(tmp_path / "other.sqlite") == (0, 0, 0)


def test_dropping_leaves_the_execution_in_the_history(history):
    accepted(history)
    history.drop(history.executions()[:1])
    assert [each.accepted_ms for each in history.executions()] == [None, 1000, 1000]


def test_several_processes_write_at_once_and_nothing_is_lost(tmp_path):
    """As parallel jobs on one machine do: each opens the file anew for every run, while others write and read."""
    path = tmp_path / "h.sqlite"
    script = (
        "import sys\nfrom pathlib import Path\n"
        f"sys.path.insert(0, {str(Path(samples.__file__).parents[1])!r})\n"
        "from k1n_support.samples import sample\nfrom pytest_k1n.history.store import History\n"
        "for number in range(12):\n"
        "    with History(Path(sys.argv[1])) as history:\n"
        "        history.add([sample(f'{sys.argv[2]}-{number}', at=number)])\n"
        "        history.accept(history.executions(last=1), now_ms=number, add=True)\n"
        "        assert history.baselines('wf')\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), str(job)]) for job in range(4)]
    assert [each.wait(timeout=60) for each in writers] == [0] * 4
    with History(path) as history:
        assert len(history.executions()) == 48


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to have a header" * 9, b"\0" * 4096])
def test_a_file_that_is_no_history_is_refused_in_a_line(tmp_path, content):
    path = tmp_path / "h.sqlite"
    path.write_bytes(content)
    with pytest.raises(HistoryError, match=r"^[^\n]*h\.sqlite: cannot be used as a history: [^\n]*$"):
        History(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_left_alone(tmp_path):
    import sqlite3

    connection = sqlite3.connect(tmp_path / "h.sqlite")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(HistoryError, match="is a database of something else"):
        History(tmp_path / "h.sqlite")


def test_a_file_of_a_newer_version_and_a_missing_one_are_refused(history, tmp_path):
    history._connection.execute("PRAGMA user_version = 99")
    with pytest.raises(HistoryError, match="newer pytest-k1n"):
        History(tmp_path / "h.sqlite")
    with pytest.raises(HistoryError, match="there is no history"):
        History(tmp_path / "none.sqlite", is_new_allowed=False)


def test_without_a_baseline_every_series_is_unknown_and_it_says_what_to_type(history):
    compared = compare(history, sample())
    assert (compared.state, compared.accepted) == ("unknown", 0)
    assert "k1n baseline accept" in compared.note


def test_a_changed_definition_names_what_has_come_gone_or_been_renamed(history):
    accepted(history)
    new = sample("new", definition="d2", names=("wrap", "ship", "bill"))
    new.names["wrap"] = "name of pack"
    compared = compare(history, new)
    assert (
        compared.stale
        == "the definition has changed since the baseline was accepted: pack is now called wrap; bill new"
    )
    assert {each.state for each in compared.verdicts} == {"unknown"}


def test_another_environment_is_named(history):
    accepted(history, environment="jar 3.32.1, real time")
    assert (
        compare(history, sample("new")).stale
        == "the baseline is of another environment (jar 3.32.1, real time), this one is e"
    )


def test_an_old_baseline_still_judges_and_is_called_stale(history):
    accepted(history)
    compared = compare(history, sample("new"), now_ms=1000 + 91 * DAY_MS)
    assert compared.stale == "the baseline was accepted 91 days ago, on 1970-01-01"
    assert compared.state == "pass"


def test_where_two_histories_differ_what_was_known_first_stays_and_is_counted(history, tmp_path):
    history.add([sample("r1"), sample("r2")])
    with History(tmp_path / "other.sqlite") as other:
        other.add([sample("r1"), sample("r2", ms=9)])
    assert history.merge(tmp_path / "other.sqlite") == (0, 0, 1)
    assert [each.makespan_ms for each in history.executions()] == [2000, 2000]


@pytest.mark.parametrize("content", [b"", None], ids=["empty", "filled"])
def test_what_is_only_read_is_not_changed(content, tmp_path):
    path = tmp_path / "h.sqlite"
    if content is None:
        with History(path) as opened:
            accepted(opened)
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with History(path, is_read_only=True) as opened:
        assert len(opened.executions()) == (3 if content is None else 0)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["h.sqlite"]


@pytest.mark.skipif(sys.platform != "linux", reason="mounts")
def test_a_medium_that_cannot_be_written_is_still_read_and_merged(tmp_path, history):
    medium = tmp_path / "medium"
    medium.mkdir()
    with History(medium / "h.sqlite") as opened:
        accepted(opened)
    script = (
        "import sys; from pathlib import Path; from pytest_k1n.history.store import History\n"
        "with History(Path(sys.argv[1]), is_read_only=True) as one: print(len(one.baselines('wf')[0].samples))\n"
        "with History(Path(sys.argv[2])) as two: print(two.merge(Path(sys.argv[1])).added)\n"
        "try:\n    History(Path(sys.argv[1]))\nexcept ValueError as error: print(error)"
    )
    words = [sys.executable, "-c", script, str(medium / "h.sqlite"), str(tmp_path / "h.sqlite")]
    mounted = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    ran = subprocess.run(["unshare", "-rm", "sh", "-c", mounted, medium, *words], capture_output=True, text=True)
    if "unshare" in ran.stderr or "mount" in ran.stderr:
        pytest.skip(f"no mounts here: {ran.stderr}")
    assert ran.stdout.splitlines()[:2] == ["3", "3"], ran.stderr


def test_an_execution_that_cannot_be_read_is_told_with_the_file(history, tmp_path):
    accepted(history)
    path = tmp_path / "h.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE execution SET durations = '{oops'")
    for read in (lambda: history.baselines("wf"), lambda: history.samples(Group("wf", "d", "e"), last=3)):
        with pytest.raises(HistoryError, match=r"h\.sqlite: holds an execution that cannot be read: "):
            read()
    with History(tmp_path / "new.sqlite") as other:
        with pytest.raises(HistoryError, match="cannot be read"):
            other.merge(path)
        assert other.executions() == []
