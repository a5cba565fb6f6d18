"""What a page says first, and what it folds away."""

import copy

from pytest_k1n.report.page import render


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
