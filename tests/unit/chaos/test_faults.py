"""Faults: their words, their draw by seed, and what has been tried of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.chaos.faults import KINDS, Injection, UnknownFault, cells, draw, in_words, parse_injection
from pytest_k1n.chaos.tried import Tried

REFS = ("a", "b", "c")


@given(st.integers(0, 1 << 40), st.integers(1, 1000))
def test_the_same_seed_and_number_draw_the_same_fault(seed: int, run: int) -> None:
    assert draw(seed, run, REFS) == draw(seed, run, REFS)


def test_every_fault_at_every_task_in_every_phase_is_drawn_sooner_or_later() -> None:
    drawn = {(each.kind, each.ref, each.phase) for each in (draw(3, run, REFS) for run in range(1500))}
    assert drawn == set(cells(REFS))


@pytest.mark.parametrize(
    ("text", "phase"),
    [("server-killed@task_8", "work"), ("response-dropped@a", "report"), ("server-killed@a/delivery", "delivery")],
)
def test_a_fault_in_words_has_a_phase_of_its_kind(text: str, phase: str) -> None:
    assert parse_injection(text).phase == phase


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server-died@a", "is no kind of fault: there are worker-killed"),
        ("worker-kiled@a", r"did you mean worker-killed\?"),
        ("server-killed", "does not say at which task"),
        ("work-slow@a/report", "does not strike at report"),
        ("latency@a/lunch", "is no phase"),
        ("server killed at a", "write KIND@REF"),
    ],
)
def test_what_is_no_fault_is_refused_with_what_there_is(text: str, said: str) -> None:
    with pytest.raises(UnknownFault, match=said):
        parse_injection(text)


def test_what_was_tried_adds_up_over_documents_and_names_what_never_was() -> None:
    tried = Tried(workflow="W", refs=("a",))
    tried.note(Injection(kind="latency", ref="a", phase="report"), harmed=True)
    again = Tried(workflow="W", refs=("a",))
    again.note(Injection(kind="latency", ref="a", phase="report"), harmed=False)
    again.add(tried.document())
    assert (again.runs["latency", "a", "report"], again.harmed["latency", "a", "report"]) == (2, 1)
    assert len(again.never) == len(again.all) - 1
    assert ("latency", "a", "report") not in again.never
    assert any(line.split() == ["latency/report", "x"] for line in again.table())


def test_a_document_of_another_workflow_is_not_added() -> None:
    with pytest.raises(ValueError, match="it is about V, not W"):
        Tried(workflow="W", refs=()).add(Tried(workflow="V", refs=()).document())
    with pytest.raises(ValueError, match="no document of faults"):
        Tried(workflow="W", refs=()).add({"workflow": "W"})


def test_each_kind_says_what_it_does() -> None:
    assert all(kind.does and kind.phases for kind in KINDS.values())
    assert [line.split()[0] for line in in_words().splitlines()[1:]] == [*KINDS]
