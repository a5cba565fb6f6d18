"""Names that mean something elsewhere, in every place of a document: no output may obey them."""

import csv
import io
import json
import re
from functools import cache
from html.parser import HTMLParser

import pytest
from lxml import etree

from pytest_k1n.report.chart_text import chart
from pytest_k1n.report.comparison import compare, lines
from pytest_k1n.report.formats import FORMATS, named, rendered
from pytest_k1n.report.story import sentence

HOSTILE = (
    "<script>alert(1)</script>",
    "</style></script><img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>' onmouseover='alert(1)",
    "\x1b]0;owned\x07\x1b[31mred",
    "two\nlines\r\n::error::fake",
    "=cmd|' /C calc'!A0",
    "a|b](javascript:alert(1)) `code` {{7*7}} {% raw %}",
    "\u202eesrever \ud800 \x00 \ufffe",
    "x" * 10_000,
)
FIXED = {"schema", "kind", "role", "verdict", "model", "outcome"}
"""Fields of a few words of ours: nobody's name gets in there."""


def poisoned(value, poison, key=""):
    """Put the poison into every text of a document, one that refers to another included."""
    if isinstance(value, dict):
        return {name: poisoned(inner, poison, name) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [poisoned(each, poison, key) for each in value]
    return f"{value}{poison}" if isinstance(value, str) and key not in FIXED else value


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self):
        super().__init__()
        self.elements, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module", params=range(len(HOSTILE)), ids=lambda index: repr(HOSTILE[index][:12]))
def document(request, recorded):
    return poisoned(recorded("negative-04-9-beside-8"), HOSTILE[request.param])


@pytest.fixture(scope="module")
def shown(document):
    """The document in a form, rendered once for all tests."""
    return cache(lambda name: rendered(document, named(name)))


def test_the_page_has_no_element_that_a_name_brought(shown):
    page = Page()
    page.feed(shown("html"))
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not [tag for tag, _ in page.elements if tag in ("img", "iframe", "object", "embed", "base", "form")]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    links = [value for _, attributes in page.elements for name, value in attributes.items() if name in ("href", "src")]
    assert all(link.startswith(("#", "data:,")) for link in links)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_no_output_holds_what_a_terminal_or_a_parser_would_obey(shown, form):
    text = shown(form.name)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\ufffe\ud800-\udfff\u202e]", text)


@pytest.mark.parametrize("name", ["json", "perfetto", "otlp", "sarif"])
def test_what_should_be_json_is(shown, name):
    json.loads(shown(name))


@pytest.mark.parametrize("name", ["xes", "svg"])
def test_what_should_be_xml_is_and_has_no_script(shown, name):
    root = etree.fromstring(shown(name).encode())
    assert not [each for each in root.iter() if etree.QName(each).localname in ("script", "img", "foreignObject")]
    assert not [key for each in root.iter() for key in each.attrib if key.startswith("on")]


def test_no_cell_of_the_table_is_a_formula(shown):
    rows = list(csv.reader(io.StringIO(shown("csv"))))
    assert len({len(row) for row in rows}) == 1
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "@", "+"))]


@pytest.mark.parametrize("name", ["md", "github"])
def test_markdown_keeps_every_row_on_its_line_and_brings_no_markup(shown, name):
    text = shown(name)
    assert "<script" not in text
    assert not re.search(r"(?<!\\)\]\(javascript", text)
    assert not re.search(r"^::error", text, re.MULTILINE)
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) in (6, 7, 9, 10), line[:300]


def test_the_terminal_s_pictures_are_harmless(document):
    (execution,) = document["executions"]
    told = [*chart(execution), *lines(compare(execution, execution)), sentence(execution, document["findings"])]
    from pytest_k1n.core.text import harmless

    assert "\x1b" not in harmless("\n".join(told))
    assert all(len(line) < 300 for line in chart(execution))


@pytest.mark.parametrize(
    "form", [each for each in FORMATS if each.suffix.endswith(("json", "sarif"))], ids=lambda each: each.name
)
def test_strict_readers_of_json_find_whole_characters(form, recorded):
    names = "\ud83e\udde8 \ud800 \\ud800 \\\\\udfff"
    text = rendered(poisoned(recorded("template-02"), names), form)
    texts = json.dumps(json.loads(text), ensure_ascii=False)
    assert "\U0001f9e8 \ufffd \\\\ud800" in texts
    texts.encode("utf-8")
