"""The forms that a run's document can be rendered in, by name and by the ending of a file's name."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, NamedTuple, cast

from pytest_k1n.core.extras import require

if TYPE_CHECKING:
    from pytest_k1n.report.document import RunDocument


_PAIR = r"\\u[dD][89abAB]..\\u[dD][c-fC-F].."
_ESCAPE = re.compile(rf"{_PAIR}|\\\\|(?P<half>\\u[dD][89a-fA-F]..)")
"""In a text of JSON: whole surrogate pairs, backslashes, and the halves of pairs that strict readers refuse."""


class UnknownFormat(ValueError):
    """No form has that name or ending; one line that lists those there are."""


class Format(NamedTuple):
    """One form: a function `render(RunDocument) -> str` in a module that is imported when it is used."""

    name: str
    suffix: str
    module: str
    what: str
    needs: str | None = None
    """A library of the extra `report`."""

    def check(self) -> None:
        """Make sure that its library is there. Raises MissingExtra."""
        if self.needs:
            require(self.needs, extra="report", use=f"the format {self.name}")


FORMATS = (
    Format("json", ".json", "pytest_k1n.report.as_json", "the run's document itself"),
    Format("html", ".html", "pytest_k1n.report.page", "one page, self-contained", needs="jinja2"),
    Format("md", ".md", "pytest_k1n.report.markdown", "Markdown"),
    Format(
        "github", ".github.md", "pytest_k1n.report.exports.github", "Markdown of at most 1 MiB, for a step's summary"
    ),
    Format("sarif", ".sarif", "pytest_k1n.report.exports.sarif", "findings for code scanning"),
    Format(
        "perfetto", ".trace.json", "pytest_k1n.report.exports.perfetto", "a trace for Perfetto and chrome://tracing"
    ),
    Format("otlp", ".otlp.json", "pytest_k1n.report.exports.otlp", "an OpenTelemetry trace"),
    Format("xes", ".xes", "pytest_k1n.report.exports.xes", "an event log for process mining"),
    Format("csv", ".csv", "pytest_k1n.report.exports.table", "a row per attempt"),
    Format("mermaid", ".mmd", "pytest_k1n.report.exports.mermaid", "a flowchart"),
    Format("svg", ".svg", "pytest_k1n.report.exports.drawing", "Gantt pictures"),
)


def named(name: str) -> Format:
    """Find a form by its name. Raises UnknownFormat."""
    for each in FORMATS:
        if each.name == name:
            return each
    raise UnknownFormat(f"{name!r} is no format; there are {', '.join(each.name for each in FORMATS)}")


def for_file(name: str) -> Format:
    """Find the form for a file by the ending of its name, the longest first. Raises UnknownFormat."""
    for each in sorted(FORMATS, key=lambda form: -len(form.suffix)):
        if name.endswith(each.suffix):
            return each
    endings = ", ".join(dict.fromkeys(each.suffix for each in FORMATS))
    raise UnknownFormat(f"{name}: a report's name ends in one of {endings}")


def rendered(document: RunDocument, form: Format) -> str:
    """Render a document as text that UTF-8 can hold. Raises MissingExtra."""
    form.check()
    text = cast("str", importlib.import_module(form.module).render(document))
    if form.suffix.endswith(("json", "sarif")):
        text = _ESCAPE.sub(lambda escape: "\\ufffd" if escape["half"] else escape[0], text)
    return text.encode("utf-8", "replace").decode("utf-8")  # a name with half a surrogate pair is legal in JSON
