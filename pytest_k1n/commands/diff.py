"""`k1n diff A B`: two runs or executions as a picture of what moved: added, removed, slower, the path switched."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator, Sequence

from pytest_k1n.commands.runs import add_run_arguments, executions, read_run
from pytest_k1n.core.text import as_lines
from pytest_k1n.core.units import percent
from pytest_k1n.report.comparison import Comparison, compare, lines, paired
from pytest_k1n.report.document import RunDocument


def main(argv: Sequence[str]) -> int:
    """Show what moved; 0, or 2 for what cannot be read or compared."""
    parser = argparse.ArgumentParser(prog="k1n diff", description=__doc__)
    add_run_arguments(parser, many="+")
    parser.add_argument("--workflow", metavar="NAME", help="only executions of this workflow")
    parser.add_argument("--tolerance", default="5%", metavar="PERCENT",
        help="what differs by no more counts as the same (default: 5%%)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    arguments = parser.parse_args(argv)
    if len(arguments.runs) != 2:
        raise ValueError(f"two runs or executions are compared, not {len(arguments.runs)}")
    before, after = (read_run(name, arguments) for name in arguments.runs)
    chosen = {id(each) for each in executions([before, after], arguments.workflow)}
    pairs = [(old, new) for old, new in paired(before, after) if id(new) in chosen]
    if not pairs:
        raise ValueError(f"the two have no workflow in common: {_names(before)}; {_names(after)}")
    compared = [compare(old, new, tolerance=percent(arguments.tolerance)) for old, new in pairs]
    if arguments.json:
        print(json.dumps([_json(each) for each in compared], indent=1))
    else:
        print(as_lines(_text(before, after, compared)))
    return 0


def _text(before: RunDocument, after: RunDocument, compared: Sequence[Comparison]) -> Iterator[str]:
    width = shutil.get_terminal_size((80, 24)).columns
    for number, each in enumerate(compared):
        if number:
            yield ""
        yield from lines(each, width=width)
    for name, one, other in (("before", before, after), ("after", after, before)):
        known = {each["workflow"]["name"] for each in other["executions"]}
        only = sorted({each["workflow"]["name"] for each in one["executions"]} - known)
        if only:
            yield f"only {name}: {', '.join(only)}"


def _json(comparison: Comparison) -> dict[str, object]:
    return {
        "workflow": comparison.after["workflow"]["name"],
        "title": comparison.after["title"],
        "before_ms": comparison.before["makespan_ms"],
        "after_ms": comparison.after["makespan_ms"],
        "is_path_switched": comparison.is_switched,
        "kinds": [{"kind": kind, "before_ms": old, "after_ms": new} for kind, old, new in comparison.kinds],
        "tasks": [
            {
                "ref": each.ref,
                "change": each.word(comparison.tolerance),
                "before_ms": each.before_ms,
                "after_ms": each.after_ms,
                "critical_path": each.path,
            }
            for each in comparison.moved
        ],
    }


def _names(document: RunDocument) -> str:
    names = ", ".join(dict.fromkeys(each["workflow"]["name"] for each in document["executions"])) or "nothing"
    return f"run {document['run']['uid']} has {names}"
