"""`k1n report RUN...`: make any report or export of a run later; of several runs the last, with the trend of all."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_k1n.commands.runs import add_run_arguments, read_runs
from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.report.document import RunDocument
from pytest_k1n.report.formats import FORMATS, for_file, named, rendered


def main(argv: Sequence[str]) -> int:
    """Write one report; 0, or 2 for what cannot be read or written."""
    parser = argparse.ArgumentParser(prog="k1n report", description=__doc__)
    add_run_arguments(parser, many="*")
    listed = "; ".join(f"{each.name}: {each.what}" for each in FORMATS)
    parser.add_argument("-f", "--format", choices=[each.name for each in FORMATS], metavar="FORMAT",
        help=f"{listed} (default: by the ending of --output, else md)")  # fmt: skip
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write it (default: standard output)")
    parser.add_argument("--workflow", metavar="NAME", help="only executions of this workflow")
    parser.add_argument("--completion", metavar="FOLDER",
        help="write the completion report of phase 4.5 there, in Markdown and HTML, of all RUNs")  # fmt: skip
    parser.add_argument("--from", dest="production", metavar="URL",
        help="instead of RUNs: sum up the last executions of --workflow on this server; reads only")  # fmt: skip
    parser.add_argument("--last", type=int, default=100, metavar="N", help="with --from: so many (default: 100)")
    parser.add_argument("--json", action="store_true", help="with --from: print one JSON object instead of text")
    arguments = parser.parse_args(argv)
    if arguments.production:
        return _sum_up(arguments)
    if not arguments.runs:
        raise ValueError("name at least one RUN, or a server with --from URL --workflow NAME")
    if arguments.completion:
        last = Path(arguments.runs[-1])
        return _complete(read_runs(arguments), last if last.is_dir() else last.parent, Path(arguments.completion))
    form = named(arguments.format) if arguments.format else for_file(arguments.output or "report.md")
    form.check()
    document = with_trend(read_runs(arguments))
    text = rendered(_only(document, arguments.workflow), form)
    if arguments.output is None:
        sys.stdout.write(text + "\n")
    else:
        target = Path(arguments.output)
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_text(target, text + "\n")
        print(f"wrote {target}: {form.what}")
    return 0


def _sum_up(arguments: argparse.Namespace) -> int:
    from pytest_k1n.client.api import Conductor
    from pytest_k1n.client.transport import transport_for
    from pytest_k1n.commands.production import show

    if not arguments.workflow or arguments.runs or arguments.output or arguments.format:
        raise ValueError("--from URL needs --workflow NAME, and goes with --last and --json only")
    client = Conductor(transport_for(arguments.production))
    try:
        return show(client, arguments.workflow, last=arguments.last, as_json=arguments.json)
    finally:
        client.close()


def _complete(documents: Sequence[RunDocument], results: Path, folder: Path) -> int:
    from pytest_k1n.report import completion

    folder.mkdir(parents=True, exist_ok=True)
    way = Path(os.path.relpath(results, folder)).as_posix()
    forms = ((".md", completion.markdown), (".html", completion.page))
    for ending, text in ((ending, write(documents, results=way)) for ending, write in forms):
        target = folder / f"{completion.file_name(documents[-1])}{ending}"
        replace_text(target, text.encode("utf-8", "replace").decode() + "\n")
        print(f"wrote {target}")
    return 0


def with_trend(documents: Sequence[RunDocument]) -> RunDocument:
    """Return the last document, with the makespans of all for its trend, oldest first."""
    last = documents[-1]
    if len(documents) < 2:
        return last
    series: dict[str, list[list[Any]]] = {}
    for document in sorted(documents, key=lambda each: each["run"]["started_at"]):
        for execution in document["executions"]:
            if execution["role"] in ("main", "own") and not execution["is_open"]:
                name = f"{document['run']['started_at'][:16]} {document['run']['uid']}"
                series.setdefault(execution["workflow"]["name"], []).append([name, execution["makespan_ms"]])
    known = last.get("baseline")
    return {**last, "baseline": {**known, "trend": series} if known else {"trend": series}}


def _only(document: RunDocument, workflow: str | None) -> RunDocument:
    if workflow is None:
        return document
    kept = [each for each in document["executions"] if workflow in (each["workflow"]["name"], each["title"])]
    if not kept:
        names = ", ".join(dict.fromkeys(each["title"] for each in document["executions"])) or "none"
        raise ValueError(f"no execution of {workflow} in run {document['run']['uid']}; it has {names}")
    ids = {each["workflow"]["workflow_id"] for each in kept}
    findings = [each for each in document["findings"] if each["workflow_id"] in ids]
    return {**document, "executions": kept, "findings": findings}
