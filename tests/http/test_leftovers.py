"""What a killed run has left on a server: found by its folder, ended by the next run there, by `k1n sweep`, shown."""

from __future__ import annotations

import json
import time
from urllib.parse import quote

import pytest

from pytest_k1n.client.errors import ConductorError, NotFound
from pytest_k1n.commands import sweep
from pytest_k1n.commands.checklist import Examined, checks
from pytest_k1n.coordination.leftovers import clear, leftover_in, leftovers
from pytest_k1n.core.definition.eventhandlers import own_name
from pytest_k1n.servers import folders
from pytest_k1n.servers.folders import ProcessId

HANDLER = {
    "event": "conductor:left:ask",
    "active": True,
    "actions": [{"action": "complete_task", "complete_task": {"taskId": "x"}}],
}
HUMAN = {"name": "ask", "taskReferenceName": "ask", "type": "HUMAN"}


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def dead_run(temporary, shared):
    """Make the folder of a run whose process is gone, and what it had on a server."""

    def make(uid, *, url=None, owned=False, definition=None, handlers=()):
        folder = temporary / f"k1n-{uid}-999999999-1-{ProcessId.own().space}"
        folder.mkdir()
        server = {"kind": "url", "url": url or shared.url, "owned": owned}
        (folder / "state.json").write_text(json.dumps({"server": server}))
        if definition:
            shared.define(definition, HUMAN)
            place = folder / "brought" / f"{definition}.1"
            place.mkdir(parents=True)
            (place / "registered-by-this-run").touch()
        for name in handlers:
            shared.client.register_event_handler({**HANDLER, "name": name})
            (folder / "event-handlers").mkdir(exist_ok=True)
            (folder / "event-handlers" / quote(name, safe="")).touch()
        document = {"name": "left", "version": 1, "ownerEmail": "x", "tasks": [HUMAN]}
        return folder, shared.client.start("left", definition=document, correlation_id=f"k1n-{uid}-7/abc.1")

    return make


def test_what_runs_is_ended_and_what_was_registered_is_removed(shared, dead_run):
    folder, id_ = dead_run("aaaaaaa1", definition="left_one")
    _, other = dead_run("aaaaaaa2", url="http://127.0.0.1:1")
    [line] = clear(shared.client, [each for each in leftovers() if each.url == shared.url])
    assert line == "run aaaaaaa1 was killed; of what it left: 1 execution ended; definitions removed: left_one"
    assert (shared.client.status(id_), shared.client.status(other)) == ("TERMINATED", "RUNNING")
    with pytest.raises(NotFound):
        shared.client.workflow_definition("left_one")
    assert not folder.exists()
    assert [each.uid for each in leftovers()] == ["aaaaaaa2"]


def _handlers(shared):
    return [each["name"] for each in shared.client.event_handlers()]


def test_task_definitions_are_removed(shared, dead_run):
    folder, _ = dead_run("aaaaaad1")
    for name in ("left.7", "theirs"):
        shared.client.register_tasks([{"name": name, "ownerEmail": "a@b.c"}])
        (folder / "brought-tasks" / name).mkdir(parents=True)
    (folder / "brought-tasks" / "left.7" / "registered-by-this-run").touch()
    [line] = clear(shared.client, leftovers())
    assert line.endswith("1 execution ended; definitions removed: left.7")
    assert shared.client.task_definition("left.7") is None
    assert shared.client.task_definition("theirs") is not None


def test_event_handlers_are_removed_and_those_of_others_are_not(shared, dead_run, capsys):
    shared.client.register_event_handler({**HANDLER, "name": "theirs"})
    dead_run("aaaaaac1", handlers=["paid 1-k1n-aaaaaac1-7-1-1.1795945830", "told"])
    assert sweep.main(["--dry-run"]) == 1
    assert "event handlers: paid 1-k1n-aaaaaac1-7-1-1.1795945830, told" in capsys.readouterr().out
    [line] = clear(shared.client, leftovers())
    assert line.endswith("1 execution ended; event handlers removed: paid 1-k1n-aaaaaac1-7-1-1.1795945830, told")
    assert _handlers(shared) == ["theirs"]
    shared.client.remove_event_handler("theirs")


def test_k1n_sweep_removes_old_event_handlers_of_other_machines(shared, temporary, capsys):
    old, new = (own_name("paid", start="0a1b2c3d-7-1", number=1, at_s=time.time() - age_s) for age_s in (7200, 60))
    for name in (old, new, "theirs"):
        shared.client.register_event_handler({**HANDLER, "name": name})
    assert sweep.main(["--server", shared.url, "--older", "1h", "--dry-run"]) == 1
    assert f"event handler {old}, since " in capsys.readouterr().out
    assert sweep.main(["--server", shared.url, "--older", "1h"]) == 0
    assert f"event handler {old}, since " in capsys.readouterr().out
    assert _handlers(shared) == [new, "theirs"]
    for name in (new, "theirs"):
        shared.client.remove_event_handler(name)


def test_what_is_gone_already_is_no_trouble_and_worth_no_line(shared, dead_run):
    folder, id_ = dead_run("aaaaaaa3", definition="left_gone")
    shared.client.terminate(id_)
    shared.client.unregister_workflow("left_gone", 1)
    assert list(clear(shared.client, leftovers())) == []
    assert not folder.exists()


def test_a_server_that_does_not_answer_leaves_it_for_the_next_time(shared, dead_run):
    folder, _ = dead_run("aaaaaaa4")

    class Silent:
        def search(self, *_arguments, **_fields):
            raise ConductorError("it is silent")

    with pytest.raises(ConductorError):
        list(clear(Silent(), leftovers()))
    assert folder.exists()
    assert len(list(clear(shared.client, leftovers()))) == 1


def test_a_run_with_a_server_of_its_own_or_none_has_left_nothing(dead_run, temporary):
    folder, _ = dead_run("aaaaaaa5", owned=True)
    empty = temporary / f"k1n-aaaaaaa6-999999999-1-{ProcessId.own().space}"
    empty.mkdir()
    (temporary / f"k1n-aaaaaaa7-999999999-1-{ProcessId.own().space}").mkdir()
    (empty / "state.json").write_text("{half")
    assert leftovers() == []
    swept = folders.sweep(spares=lambda each: leftover_in(each) is not None)
    assert len(swept) == 3
    assert not folder.exists()


def test_a_sweep_of_folders_spares_what_is_still_to_be_read(dead_run):
    folder, _ = dead_run("aaaaaaa8")
    assert folders.sweep(spares=lambda each: leftover_in(each) is not None) == []
    assert folder.exists()


def test_k1n_sweep_shows_and_ends_it(shared, dead_run, capsys):
    _, id_ = dead_run("aaaaaaa9", definition="left_two")
    assert sweep.main(["--dry-run"]) == 1
    assert f"executions: {id_}; definitions: left_two" in capsys.readouterr().out
    assert shared.client.status(id_) == "RUNNING"
    assert sweep.main(["--server", shared.url]) == 0
    assert "1 execution ended; definitions removed: left_two" in capsys.readouterr().out
    assert sweep.main([]) == 0
    assert capsys.readouterr().out == "nothing is left\n"


def test_k1n_sweep_ends_old_executions_of_other_machines(serve, temporary, capsys):
    document = {"name": "left", "version": 1, "ownerEmail": "x", "tasks": [HUMAN]}
    with serve("--seed", "0") as served:  # its time began long ago
        old = served.client.start("left", definition=document, correlation_id="k1n-bbbbbbb1/left")
        theirs = served.client.start("left", definition=document, correlation_id="order-4711")
        assert sweep.main(["--server", served.url, "--older", "6h", "--dry-run"]) == 1
        assert sweep.main(["--server", served.url, "--older", "6h"]) == 0
        assert old in capsys.readouterr().out
        assert (served.client.status(old), served.client.status(theirs)) == ("TERMINATED", "RUNNING")


def test_what_was_started_just_now_is_not_old(shared, temporary, capsys):
    document = {"name": "left", "version": 1, "ownerEmail": "x", "tasks": [HUMAN]}
    young = shared.client.start("left", definition=document, correlation_id="k1n-bbbbbbb2/left")
    assert sweep.main(["--server", shared.url, "--older", "6h"]) == 0
    assert shared.client.status(young) == "RUNNING"


def test_mistakes_are_told_in_one_line(shared, dead_run, capsys):
    for words in (["--older", "6h"], ["--older", "soon", "--server", shared.url]):
        with pytest.raises(SystemExit) as ended:
            sweep.main(words)
        assert ended.value.code == 2
    dead_run("aaaaaab1", url="http://127.0.0.1:1")
    capsys.readouterr()
    assert sweep.main([]) == 1
    assert capsys.readouterr().err.startswith("k1n sweep: http://127.0.0.1:1: ")


def test_the_doctor_shows_it(dead_run, tmp_path):
    dead_run("aaaaaab2", definition="left_three")
    check = next(each for each in checks(Examined(spec=None, folder=tmp_path)) if each.name == "left by killed runs")
    assert (check.outcome, "left_three" in check.detail, "k1n sweep" in check.remedy) == ("fail", True, True)
