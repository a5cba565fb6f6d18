"""A written report as blocks, rendered as Markdown or as a plain page of HTML: two forms of the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files

from pytest_k1n.report.markdown import table, text
from pytest_k1n.report.picture.markup import Markup, element, together


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 is the report's own."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    texts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Boxes:
    """Things to be ticked, and whether the evidence ticks them."""

    boxes: Sequence[tuple[bool, str]]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table."""

    head: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Links:
    """Files beside the report: (words, path)."""

    links: Sequence[tuple[str, str]]


Block = Heading | Paragraph | Items | Boxes | Grid | Links


def as_markdown(blocks: Iterable[Block]) -> str:
    """Write Markdown."""
    return "\n".join(line for block in blocks for line in _markdown(block)).rstrip()


def _markdown(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, words):
            yield f"{'#' * level} {text(words)}"
        case Paragraph(words):
            yield text(words)
        case Items(texts):
            yield from (f"- {text(each)}" for each in texts)
        case Boxes(boxes):
            yield from (f"- [{'x' if is_ticked else ' '}] {text(words)}" for is_ticked, words in boxes)
        case Grid(head, rows):
            yield from table(head, rows)
            return
        case Links(links):
            yield from (f"- [{text(words)}](<{path}>)" for words, path in links)
    yield ""


def as_page(blocks: Sequence[Block]) -> str:
    """Write one self-contained page; its colours and print rules are those of the run's page."""
    style = Markup(f"<style>{files('pytest_k1n.report').joinpath('assets', 'page.css').read_text('utf-8')}</style>")
    title = next((block.text for block in blocks if isinstance(block, Heading)), "report")
    charset = Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">')
    head = element("head", charset, element("title", title), style)
    body = element("body", element("main", *map(_html, blocks)))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}"


def _html(block: Block) -> Markup:
    match block:
        case Heading(level, words):
            return element(f"h{level}", words)
        case Paragraph(words):
            return element("p", words)
        case Items(texts):
            return element("ul", *(element("li", each) for each in texts))
        case Boxes(boxes):
            marks = (("☑" if is_ticked else "☐", words) for is_ticked, words in boxes)
            return element("ul", *(element("li", f"{mark} {words}") for mark, words in marks), class_="findings")
        case Links(links):
            return element("ul", *(element("li", element("a", words, href=path)) for words, path in links))
        case Grid(head, rows):
            top = element("thead", element("tr", *(element("th", each, scope="col") for each in head)))
            lines = (element("tr", *(element("td", str(cell)) for cell in row)) for row in rows)
            return element("table", top, element("tbody", together(lines)))
