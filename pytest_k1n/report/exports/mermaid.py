"""A flowchart in Mermaid: the order of an execution's tasks, with what each took and what was critical."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_k1n.core.model import OPERATOR_TASK_TYPES
from pytest_k1n.core.order.graph import Graph, label
from pytest_k1n.core.text import one_line
from pytest_k1n.core.units import format_ms
from pytest_k1n.report.document import RunDocument, TaskDocument
from pytest_k1n.report.figures import SUCCESSFUL, status_of

_STYLES = (
    "  classDef critical fill:#0072b2,color:#fff,stroke:#004b75",
    "  classDef bad fill:#d55e00,color:#000,stroke:#803800",
    "  classDef unrun fill:#eee,color:#444,stroke-dasharray:4 3",
)


def render(document: RunDocument) -> str:
    """Draw every execution as a subgraph."""
    out = ["flowchart TD"]
    for number, execution in enumerate(document["executions"]):
        out.append(f'  subgraph s{number}["{_text(execution["title"])}"]')
        out += _tasks(execution["tasks"], f"s{number}n")
        out.append("  end")
    return "\n".join([*out, *_STYLES])


def of_graph(graph: Graph, title: str) -> str:
    """Draw a definition."""
    ids = {key: f"n{index}" for index, key in enumerate(graph.nodes)}
    out = ["flowchart TD", f'  subgraph s["{_text(title)}"]']
    for key, task in graph.nodes.items():
        is_operator = task.type in OPERATOR_TASK_TYPES
        note = task.type if is_operator else task.name if task.name != task.ref else ""
        out.append(f"  {ids[key]}{_shape(label(key), note, is_operator=is_operator)}")
    out += [f"  {ids[edge.before]} --> {ids[edge.after]}" for edge in graph.edges]
    return "\n".join([*out, "  end"])


def _tasks(tasks: Iterable[TaskDocument], prefix: str) -> Iterator[str]:
    ids = {task["ref"]: f"{prefix}{index}" for index, task in enumerate(tasks)}
    for task in tasks:
        name = ids[task["ref"]]
        last = task["attempts"][-1] if task["attempts"] else None
        is_operator = task["kind"] == "operator"
        note = task["type"] if is_operator else ""
        if last and not is_operator and last["start_ms"] is not None and last["end_ms"] is not None:
            note = format_ms(last["end_ms"] - last["start_ms"])
        status = status_of(task)
        if status not in SUCCESSFUL:
            note = f"{note} {status}".strip()
        kind = (
            "unrun"
            if last is None
            else "bad"
            if status not in SUCCESSFUL
            else "critical"
            if task["is_critical"]
            else ""
        )
        yield f"  {name}{_shape(task['ref'], note, is_operator=is_operator)}{f':::{kind}' if kind else ''}"
        yield from (f"  {ids[before]} --> {name}" for before in task["after"] if before in ids)


def _shape(ref: str, note: str, *, is_operator: bool) -> str:
    text = f"{_text(ref)}<br/>{_text(note)}" if note else _text(ref)
    return f'{{{{"{text}"}}}}' if is_operator else f'["{text}"]'


def _text(text: str) -> str:
    """Write a text as Mermaid's character codes where it could mean something."""
    return "".join(
        each if each.isalnum() or each in " _-.,/" else f"#{ord(each)};" for each in one_line(text, most=120)
    )
