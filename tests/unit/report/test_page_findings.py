"""What a page says first, and what it folds away."""

import copy

from pytest_k1n.report.formats import named, rendered
from pytest_k1n.report.page import render
from pytest_k1n.report.picture.gantt import _anchor
from pytest_k1n.report.story import sentence


def told(recorded, *codes):
    document = copy.deepcopy(recorded("template-04"))
    pattern = document["findings"][0]
    document["findings"] = [{**pattern, "code": code, "verdict": "warn"} for code in codes]
    page = render(document)
    return page[page.index('<section id="findings"') : page.index("<h3>Gantt</h3>")]


def test_latencies_that_could_not_be_judged_are_folded_behind_the_rest(recorded):
    text = told(recorded, *["not-measurable"] * 3, "overhead")
    assert text.index("<code>overhead</code>") < text.index("3 latencies that could not be judged")
    assert text.count("<code>not-measurable</code>") == 3
    assert text.index("<details>") < text.index("<code>not-measurable</code>")


def test_where_nothing_else_was_found_they_are_still_counted(recorded):
    assert "1 latency that could not be judged" in told(recorded, "not-measurable")
    assert "<p>None.</p>" not in told(recorded, "not-measurable")
    assert "<p>None.</p>" in told(recorded)


def test_a_page_of_one_execution_lists_its_findings_once(recorded):
    page = render(copy.deepcopy(recorded("template-04")))
    assert page.count('<h2 id="findings-h">Findings</h2>') == 1
    assert "<h3>Findings</h3>" not in page


def test_an_execution_that_broke_its_order_is_not_said_to_be_faster_than_possible(recorded):
    document = recorded("template-02")
    (execution,) = document["executions"]
    page = rendered(document, named("html"))
    assert "of at most" in page
    assert 'id="tests-h"' not in page
    execution["span_ms"] = execution["makespan_ms"] + 1
    page = rendered(document, named("html"))
    assert "of at most" not in page
    assert "where its order allows" in page


def test_a_miss_of_the_band_is_told_beside_one_of_the_order(recorded):
    document = recorded("negative-04-9-beside-8")
    (execution,) = document["executions"]
    execution["band_ms"] = (1, execution["makespan_ms"] - 60_000)
    said = sentence(execution, document["findings"])
    assert said.startswith("task_9: expected ")
    assert "; took " in said
    assert "1.0 min above its band" in said
    execution["band_ms"] = None
    execution["estimate_ms"] = None
    assert "; took " not in sentence(execution, document["findings"])


def test_the_label_of_the_last_tick_ends_at_the_edge_instead_of_behind_it():
    assert [_anchor(each) for each in (0, 50, 97.5)] == ["start", "middle", "end"]
