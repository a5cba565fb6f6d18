"""`k1n show FILE`: draw a workflow definition or a recorded execution, as text, Mermaid or SVG."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_k1n.commands.runs import add_run_arguments, read_run
from pytest_k1n.core.model import Json
from pytest_k1n.core.order.graph import Graph, label
from pytest_k1n.core.order.unroll import happens_before
from pytest_k1n.core.text import as_lines
from pytest_k1n.core.wire import wire
from pytest_k1n.report.chart_text import chart
from pytest_k1n.report.exports import mermaid
from pytest_k1n.report.formats import named, rendered
from pytest_k1n.report.picture.layers import draw


def main(argv: Sequence[str]) -> int:
    """Print the drawing; 0, or 2 for what cannot be read."""
    parser = argparse.ArgumentParser(prog="k1n show", description=__doc__)
    add_run_arguments(parser, also="a workflow definition, ")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--mermaid", action="store_const", dest="form", const="mermaid", help="a flowchart in Mermaid")
    forms.add_argument("--svg", action="store_const", dest="form", const="svg", help="a picture")
    arguments = parser.parse_args(argv)
    name = arguments.runs[0]
    definition = _definition(Path(name))
    if definition is not None:
        graph, title = definition
        sys.stdout.write(_drawn(graph, title, arguments.form) + "\n")
        return 0
    document = read_run(name, arguments)
    if arguments.form:
        print(rendered(document, named(arguments.form)))
        return 0
    width = shutil.get_terminal_size((80, 24)).columns
    for execution in document["executions"]:
        print(as_lines(chart(execution, width=width, weather=document.get("weather"))))
    return 0


def _definition(path: Path) -> tuple[Graph, str] | None:
    """Read a file that holds a workflow definition; None for anything else. Raises ValueError."""
    if not path.is_file():
        return None
    try:
        document: Json = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or "tasks" not in document or {"workflowId", "schema"} & document.keys():
        return None
    definition = wire.workflow_definition(document)
    return happens_before(definition), f"{definition.name} version {definition.version}"


def _drawn(graph: Graph, title: str, form: str | None) -> str:
    if form == "mermaid":
        return mermaid.of_graph(graph, title)
    if form == "svg":
        return draw(graph, title)
    return as_lines(_text(graph, title))


def _text(graph: Graph, title: str) -> Iterator[str]:
    yield title
    width = max((len(label(key)) for key in graph.nodes), default=0)
    for key, task in graph.nodes.items():
        after = ", ".join(label(before) for before in graph.predecessors(key))
        yield f"  {label(key):<{width}}  {task.type}{f'  after {after}' if after else ''}"
