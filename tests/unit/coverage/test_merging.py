"""Coverage added up over tests, processes and runs, and how it is shown."""

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.text import one_line
from pytest_k1n.coverage.document import as_text, coverage_document, read_coverage
from pytest_k1n.coverage.goals import Goal, GoalKind
from pytest_k1n.coverage.merging import Covered, from_json, merged, rate
from pytest_k1n.coverage.page import page
from pytest_k1n.coverage.table import table
from pytest_k1n.validation.schema import validate

GOALS = (
    Goal(GoalKind.TASK, "a", "", "run a"),
    Goal(GoalKind.CASE, "s", "x", "take x"),
    Goal(GoalKind.DEFAULT, "s", "", "take none"),
    Goal(GoalKind.RETRY, "a", "", "fail a once"),
)


def part(*met, test="t1", name="W", goals=GOALS, execution="wf-1"):
    return Covered(
        name=name, version=1, goals=goals, tests={goals[each]: (test,) for each in met}, executions=(execution,)
    )


parts = st.lists(
    st.builds(
        lambda met, test, name, execution: part(*met, test=test, name=name, execution=execution),
        st.sets(st.integers(0, 3)), st.sampled_from(["t1", "t2", "t3"]), st.sampled_from("VW"),
        st.sampled_from(["wf-1", "wf-2"]),
    ),
    max_size=8,
)  # fmt: skip


def told(definitions):
    return {
        (each.title, goal): frozenset(each.tests.get(goal, ())) for each in definitions for goal in each.goals
    }  # fmt: skip


@given(parts)
def test_it_does_not_matter_in_which_order_and_how_often_parts_are_added_up(some):
    assert told(merged(some)) == told(merged(reversed(some))) == told(merged([*merged(some), *merged(some)]))


@given(parts)
def test_a_goal_is_met_if_any_part_met_it(some):
    for each in merged(some):
        met = {goal for one in some if one.name == each.name for goal in one.tests}
        assert set(each.tests) == met
        assert set(each.executions) == {one.executions[0] for one in some if one.name == each.name}


@given(parts)
def test_what_travels_between_processes_and_runs_stays_the_same(some):
    definitions = merged(some)
    assert merged(from_json(json.loads(json.dumps(each.to_json()))) for each in definitions) == definitions
    document = json.loads(as_text(definitions))
    assert validate(document, "coverage") == []
    assert merged(read_coverage(document)) == definitions


def test_the_rate_is_that_of_all_goals_not_the_mean_of_definitions():
    small = part(0, name="V", goals=GOALS[:1])
    assert rate(merged([small, part(0)])) == pytest.approx(2 / 5)


def test_a_definition_of_the_same_name_with_other_tasks_is_another_one():
    assert len(merged([part(0), part(0, goals=GOALS[:2])])) == 2


def test_a_definition_whose_retries_are_not_known_is_the_same_one():
    (only,) = merged([part(0, goals=GOALS[:3]), part(3, test="t2")])
    assert only.goals == GOALS
    assert only.tests == {GOALS[0]: ("t1",), GOALS[3]: ("t2",)}


def test_the_table_counts_by_kind_and_says_what_to_write_next():
    head, row, *rest = table(merged([part(0, 1)]))
    assert head.split() == ["definition", "tasks", "cases", "retries", "covered"]
    assert row.split() == ["W:1", "1/1", "1/2", "0/1", "50.0%"]
    assert rest == [
        "what to write next:",
        "  W:1  s takes its default case: take none",
        "  W:1  a is retried: fail a once",
    ]


def test_a_definition_that_never_ran_is_one_line_and_what_is_alike_is_one_line():
    goals = (
        *(Goal(GoalKind.TASK, ref) for ref in "abc"),
        *(Goal(GoalKind.RETRY, ref, "", f"fail {ref}") for ref in "abc"),
    )
    never = Covered(name="V", version=1, goals=goals)
    lines = list(table(merged([never, part(0, 1, 2, name="W", goals=goals)])))
    assert lines[-2:] == [
        "  V:1  never ran: write a test that runs it",
        "  W:1  a is retried: fail a; so for 2 more: b, c",
    ]


def test_what_does_not_fit_on_the_screen_is_counted():
    goals = tuple(Goal(GoalKind.CASE, "s", str(case), f"take {case}") for case in range(20))
    lines = list(table(merged([part(goals=goals)]), most=3))
    assert lines[-1] == "  and 17 more: --k1n-cov-report=FILE.html has them all"
    assert len(lines) == 2 + 1 + 3 + 1


class _Texts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.texts, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", '"><img src=x onerror=y>', "&amp;", "\ud800", "a\x1b[2J"]
)
def test_the_page_escapes_every_text_and_loads_nothing(evil):
    goals = (Goal(GoalKind.CASE, evil, evil, evil), Goal(GoalKind.TASK, evil, "", evil))
    text = page(merged([part(1, test=evil, name=evil, goals=goals)]))
    parser = _Texts()
    parser.feed(text)
    assert parser.tags.isdisjoint({"script", "img", "link", "iframe"})
    assert not re.search(r"(?:src|href)=\"(?!#)", text)
    assert any(one_line(evil) in each for each in parser.texts)


def test_a_document_of_another_kind_is_refused_in_words():
    for document in ({}, {"schema": "k1n-run/1"}, {**coverage_document([]), "definitions": [{"name": "W"}]}):
        with pytest.raises(ValueError, match="not a k1n-coverage/1 document"):
            read_coverage(document)
