"""The recorded cases: read, written, chosen, and noticed when they are stale."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_k1n.conformance.cases import Action, Case, ClientStep, case_from
from pytest_k1n.conformance.corpus import (
    FORMAT,
    Recording,
    StaleRecordingError,
    chosen,
    read,
    read_all,
    recorded,
    recording_from,
    write,
)
from pytest_k1n.validation.schema import validate

CASE = Case(
    name="a case",
    workflows=({"name": "case_main", "version": 1, "tasks": []},),
    script={"a": (Action(status="FAILED"), Action())},
    steps=(ClientStep(operation="pause", after=1),),
    seed=3,
)


def recording(case=CASE, history=None, suite="s"):
    return Recording(suite=suite, case=case, history=history or {"trace": [], "executions": {}}, conductor="3.32.1")


def test_a_case_survives_its_document():
    assert case_from(json.loads(json.dumps(CASE.document()))).digest() == CASE.digest()


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.xz"])
def test_a_changed_case_makes_its_recording_stale(tmp_path, name):
    changed = replace(CASE, name="another", seed=4)
    write(tmp_path / name, [recording(), recording(replace(changed, seed=5))])
    kept = read(tmp_path / name)
    assert recorded(CASE, kept) == {"trace": [], "executions": {}}
    assert recorded(replace(CASE, name="never seen"), kept) is None
    with pytest.raises(StaleRecordingError, match="another changed"):
        recorded(changed, kept)


@pytest.mark.parametrize("document", [{}, {"schema": FORMAT}, {**recording().document(), "expected": 5}])
def test_what_is_no_case_is_named_with_file_and_line(tmp_path, document):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(recording().document()) + "\n" + json.dumps(document) + "\n")
    with pytest.raises(ValueError, match=r"x\.jsonl, line 2: no conformance case"):
        read(path)


def test_what_a_server_also_does_is_kept_beside_what_is_expected(tmp_path):
    other = {"trace": ["poll root/a#0"], "executions": {}}
    write(tmp_path / "r.jsonl", [replace(recording(), also=(other,)), recording(replace(CASE, name="sure"))])
    kept = read(tmp_path / "r.jsonl")
    assert [one.also for one in kept.values()] == [(other,), ()]
    assert [validate(one.document(), "conformance-case") for one in kept.values()] == [[], []]
    assert "also" not in kept["sure"].document()


def test_a_case_keeps_the_order_of_its_keys(tmp_path):
    """Searches show an input as Java's maps print it: in the order in which it came."""
    write(tmp_path / "r.jsonl.xz", [recording(replace(CASE, input={"b": 1, "a": 2}))])
    assert list(read(tmp_path / "r.jsonl.xz")[CASE.name].case.input) == ["b", "a"]


def test_a_folder_of_json_files_is_read(tmp_path):
    (tmp_path / "s").mkdir()
    for number in range(3):
        document = recording(replace(CASE, name=f"case {number}")).document()
        (tmp_path / "s" / f"{number}.json").write_text(json.dumps(document, indent=1))
    assert [one.title for one in read_all(tmp_path)] == ["s/case 0", "s/case 1", "s/case 2"]


def test_cases_are_chosen_by_name_or_pattern_and_evenly():
    every = [recording(replace(CASE, name=f"JOIN {number}")) for number in range(10)]
    assert len(chosen(every, only="JOIN 1")) == 1
    assert len(chosen(every, only="s/*[135]")) == 3
    assert [one.name for one in chosen(every, sample=3)] == ["JOIN 0", "JOIN 3", "JOIN 6"]
    assert chosen(every, only="none") == []


def test_the_recorded_cases_are_what_their_schema_says():
    every = list(read_all())
    assert len(every) > 3000
    for one in every[:: len(every) // 60]:
        document = one.document()
        assert validate(document, "conformance-case") == []
        assert recording_from(document) == one
