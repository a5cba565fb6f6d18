"""`k1n conformance`, put to the embedded engine served at a URL."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace

import pytest

from pytest_k1n import cli
from pytest_k1n.conformance.asked_server import subject_at
from pytest_k1n.conformance.conduct import conduct
from pytest_k1n.conformance.corpus import read_all, write
from pytest_k1n.conformance.target import RealTarget
from pytest_k1n.servers.opening import open_server
from pytest_k1n.servers.protocol import Kind, ServerSpec
from pytest_k1n.validation.schema import validate


def served(folder, *arguments):
    spec = ServerSpec(kind=Kind.EMBEDDED, engine_arguments=arguments)
    return open_server(spec, run_uid=uuid.uuid4().hex[:8], folder=folder / "server")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with served(tmp_path_factory.mktemp("engine"), "--clock", "manual") as endpoint:
        yield endpoint.url


def conformance(*arguments, capsys):
    code = cli.main(["conformance", *map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_an_engine_at_a_url_does_what_conductor_did(engine, tmp_path, capsys):
    target = tmp_path / "report.json"
    code, out, err = conformance(engine, "--sample", 25, "--json", target, capsys=capsys)
    assert code == 0, err
    assert "embedded engine 3.32.1-k1n-embedded at http://127.0.0.1:" in out
    assert "25 cases recorded on Conductor 3.32.1" in out
    document = json.loads(target.read_text())
    assert validate(document, "conformance") == []
    assert document["conforms"]
    assert sum(document["counts"].values()) == 25


def test_known_differences_are_named_with_their_reason(engine, capsys):
    code, out, _ = conformance(engine, "--only", "catalogue/DO_WHILE over DO_WHILE", capsys=capsys)
    assert code == 0
    assert "refused-nested-loop: A DO_WHILE inside a DO_WHILE is refused" in out


def test_what_differs_is_told_in_a_line_each_and_fails(engine, tmp_path, capsys):
    first = next(iter(read_all()))
    changed = {**first.history, "executions": {"root": {**first.history["executions"]["root"], "status": "FAILED"}}}
    write(tmp_path / "cases.jsonl", [replace(first, history=changed)])
    code, out, _ = conformance(engine, "--cases", tmp_path, capsys=capsys)
    assert code == 1
    assert '      executions|root|status: "FAILED" -> "COMPLETED"' in out.splitlines()


def test_what_differed_is_asked_about_again_and_nothing_else(engine, tmp_path, capsys):
    report, first = tmp_path / "report.json", next(iter(read_all()))
    changed = {**first.history, "executions": {"root": {**first.history["executions"]["root"], "status": "FAILED"}}}
    write(tmp_path / "changed.jsonl", [replace(first, history=changed), *list(read_all())[1:4]])
    assert conformance(engine, "--cases", tmp_path / "changed.jsonl", "--json", report, capsys=capsys)[0] == 1
    code, out, _ = conformance(engine, "--again", report, "--json", report, capsys=capsys)
    assert code == 0
    assert f"1 cases recorded on Conductor {first.conductor}" in out
    code, _, err = conformance(engine, "--again", report, capsys=capsys)
    assert (code, "leaves nothing to ask again of these cases" in err) == (2, True)
    report.write_text("{}")
    code, _, err = conformance(engine, "--again", report, capsys=capsys)
    assert (code, "report.json: no report of k1n conformance: " in err) == (2, True)


def test_how_far_it_is_with_asking_again_is_told(engine, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pytest_k1n.commands.conformance._PROGRESS_EVERY_S", 0)
    first = next(iter(read_all()))
    changed = {**first.history, "executions": {"root": {**first.history["executions"]["root"], "status": "FAILED"}}}
    write(tmp_path / "changed.jsonl", [replace(first, history=changed)])
    _, _, err = conformance(engine, "--cases", tmp_path, capsys=capsys)
    (before, again) = err.splitlines()
    assert "k1n conformance: 1 of 1 cases after" in before
    assert "k1n conformance: asked again, one by one, about 1 of 1 cases after" in again
    assert again.endswith("; 1 different")


GONE = ConnectionRefusedError("[Errno 111] Connection refused")


@pytest.mark.parametrize(
    ("cut", "exit_code", "begins", "says"),
    [
        (KeyboardInterrupt, 130, "interrupted", "k1n: interrupted\n"),
        (GONE, 2, "the server no longer answers", f"k1n conformance: the server no longer answers: {GONE}\n"),
    ],
)
def test_what_was_asked_is_told_when_it_is_cut_off(engine, tmp_path, capsys, monkeypatch, cut, exit_code, begins, says):
    def broken_off(recordings, subject, *, progress, **how):
        results = conduct(recordings[:3], subject, progress=progress, **how)
        assert len(results) == 3
        raise cut

    monkeypatch.setattr("pytest_k1n.commands.conformance.conduct", broken_off)
    target = tmp_path / "report.json"
    code, out, err = conformance(engine, "--sample", 25, "--json", target, capsys=capsys)
    assert (code, err) == (exit_code, says)
    assert out.startswith(f"{begins}: 3 of 25 cases were asked about")
    document = json.loads(target.read_text())
    assert validate(document, "conformance") == []
    assert (sum(document["counts"].values()), len(document["not_asked"]), document["conforms"]) == (3, 22, False)
    monkeypatch.undo()
    code, out, _ = conformance(engine, "--again", target, capsys=capsys)
    assert (code, "22 cases recorded on" in out) == (0, True)


def test_a_case_under_way_is_not_waited_for_when_it_is_cut_off_and_leaves_nothing_running(tmp_path):
    recorded = {one.name: one for one in read_all()}
    waits = recorded["WAIT, seconds"]
    (workflow,) = waits.case.workflows
    wait, *others = workflow["tasks"]
    # From a minute on a run does not wait for it.
    lasting = {**workflow, "tasks": [{**wait, "inputParameters": {"duration": "50 seconds"}}, *others]}
    cases = [recorded["SIMPLE"], replace(waits, case=replace(waits.case, workflows=(lasting,)))]
    told = []

    def broken_off(done, of, result, again):
        told.append((done, of, result.name, again))
        raise KeyboardInterrupt

    with served(tmp_path, "--clock", "real") as endpoint:
        with pytest.raises(KeyboardInterrupt):
            conduct(cases, subject_at(endpoint.url), known=(), progress=broken_off)
        assert told == [(1, 2, "SIMPLE", False)]
        with RealTarget(endpoint.url) as target:
            assert target.call("GET", "/workflow/search", query={"query": "status=RUNNING"}).body["totalHits"] == 0


def test_cases_are_written_as_json_that_can_be_run_again(engine, tmp_path, capsys):
    assert conformance("--only", "catalogue/SIMPLE", "--write", tmp_path, capsys=capsys)[0] == 0
    files = sorted(tmp_path.rglob("*.json"))
    assert "SIMPLE.json" in {path.name for path in files}
    assert all(validate(json.loads(path.read_text()), "conformance-case") == [] for path in files)
    code, out, _ = conformance(engine, "--cases", tmp_path / "catalogue" / "SIMPLE.json", capsys=capsys)
    assert (code, "1 cases" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a server"),
        (["http://127.0.0.1:9"], "no Conductor answers at http://127.0.0.1:9"),
        (["nonsense"], "is not a server URL"),
        (["http://127.0.0.1:9", "--only", "no such case"], "is called 'no such case': --list names them"),
        (["http://127.0.0.1:9", "--cases", "no-such-folder"], "no-such-folder"),
    ],
)
def test_a_mistake_is_one_line_and_2(arguments, said, capsys):
    code, out, err = conformance(*arguments, capsys=capsys)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert said in err


def test_an_engine_on_a_clock_of_its_own_is_refused(tmp_path, capsys):
    with served(tmp_path) as endpoint:
        code, _, err = conformance(endpoint.url, capsys=capsys)
    assert code == 2
    assert "lives by a virtual clock of its own: serve it with --clock manual" in err


def test_the_cases_are_named_without_a_server(capsys):
    code, out, _ = conformance("--list", "--only", "waiting/", capsys=capsys)
    assert code == 0
    assert len(out.splitlines()) == 28
