"""`k1n report RUN...`: make any report or export of a run later; of several runs the last, with the trend of all."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_k1n.client.address import redact
from pytest_k1n.commands.runs import add_run_arguments, read_runs
from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.core.text import from_json
from pytest_k1n.report.document import ExecutionDocument, RunDocument
from pytest_k1n.report.formats import FORMATS, for_file, named, rendered
from pytest_k1n.validation.bounded import read_at_most

if TYPE_CHECKING:
    from pytest_k1n.report.optimisation import Measurements


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
        help="write the completion report of a phase there, in Markdown and HTML, of all RUNs")  # fmt: skip
    parser.add_argument("--phase", choices=("4.5", "5.1"), default="4.5", help="with --completion (default: 4.5)")
    parser.add_argument("--metrics", type=Path, default=Path(".conductor/metrics"), metavar="FOLDER",
        help="with --phase 5.1: what the profiling scripts wrote (default: %(default)s)")  # fmt: skip
    parser.add_argument("--from", dest="production", metavar="URL|FOLDER",
        help="instead of RUNs: sum up the last executions of --workflow there; reads only")  # fmt: skip
    parser.add_argument("--last", type=int, default=100, metavar="N", help="with --from: so many (default: 100)")
    parser.add_argument("--json", action="store_true", help="with --from: print one JSON object instead of text")
    parser.add_argument("--html", metavar="FILE", help="with --from: write it as a page there, too")
    arguments = parser.parse_args(argv)
    if arguments.production:
        return _sum_up(arguments)
    if arguments.html:
        raise ValueError("--html goes with --from; of RUNs --output FILE.html writes the page")
    if not arguments.runs:
        raise ValueError("name at least one RUN, or a server with --from URL --workflow NAME")
    if arguments.completion:
        last = Path(arguments.runs[-1])
        results = last if last.is_dir() else last.parent
        return _complete(arguments, read_runs(arguments), results, Path(arguments.completion))
    form = named(arguments.format) if arguments.format else for_file(arguments.output or "report.md")
    form.check()
    document = with_trend(_with(read_runs(arguments), arguments.workflow))
    text = rendered(_only(document, arguments.workflow), form)
    if arguments.output is None:
        sys.stdout.write(text + "\n")
    else:
        target = Path(arguments.output)
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_text(target, text + "\n")
        print(redact(f"wrote {target}: {form.what}"))
    return 0


def _sum_up(arguments: argparse.Namespace) -> int:
    from pytest_k1n.client.api import Conductor
    from pytest_k1n.client.transport import transport_for
    from pytest_k1n.commands.production import gather, gather_saved, show

    if arguments.runs or arguments.output or arguments.format:
        raise ValueError("--from URL or FOLDER goes with --workflow, --last, --json and --html only")
    if (path := Path(arguments.production)).exists():
        gathered = gather_saved(path, arguments.workflow, last=arguments.last)
        return show(gathered, source=str(path), as_json=arguments.json, html=arguments.html)
    if "://" not in arguments.production:
        raise ValueError(f"--from {arguments.production!r}: no such file or folder, and no server's URL")
    if not arguments.workflow:
        raise ValueError("--from URL needs --workflow NAME")
    client = Conductor(transport_for(arguments.production))
    try:
        gathered = gather(client, arguments.workflow, last=arguments.last)
        return show(gathered, source=client.url, as_json=arguments.json, html=arguments.html)
    finally:
        client.close()


def _complete(arguments: argparse.Namespace, documents: Sequence[RunDocument], results: Path, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    way = Path(os.path.relpath(results, folder)).as_posix()
    if arguments.phase == "4.5":
        from pytest_k1n.report import completion_report

        name = completion_report.file_name(documents[-1])
        texts = (completion_report.markdown(documents, results=way), completion_report.page(documents, results=way))
    else:
        from pytest_k1n.report import optimisation

        name = optimisation.file_name(documents[-1])
        measured = _measured(arguments.metrics)
        texts = (
            optimisation.markdown(documents, measured, results=way),
            optimisation.page(documents, measured, results=way),
        )
    for ending, text in zip((".md", ".html"), texts, strict=True):
        target = folder / f"{name}{ending}"
        replace_text(target, text.encode("utf-8", "replace").decode() + "\n")
        print(redact(f"wrote {target}"))
    return 0


def _measured(metrics: Path) -> Measurements:
    """Read the newest file of each kind that the profiling scripts write. Raises ValueError for one that is none."""
    from pytest_k1n.report.optimisation import Measurements

    def newest(pattern: str) -> Mapping[str, Any] | None:
        path = max(filter(Path.is_file, metrics.glob(pattern)), default=None)
        if path is None:
            return None
        try:
            document = from_json(read_at_most(path, 64))
        except ValueError as error:
            raise ValueError(f"{path}: not JSON: {error}") from None
        if not isinstance(document, dict):
            raise ValueError(f"{path}: not what the profiling scripts write")  # noqa: TRY004 -- the file's mistake
        return document

    return Measurements(
        baseline=newest("baselines/*/summary.json"),
        strategies=newest("task8-strategies.json"),
        direct=newest("optimized-run-*.json"),
    )


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


def _with(documents: Sequence[RunDocument], workflow: str | None) -> Sequence[RunDocument]:
    """Return the runs that have a workflow; all of them if none has it, so that the last can say what it has."""
    return [
        each for each in documents if any(_is_of(execution, workflow) for execution in each["executions"])
    ] or documents


def _is_of(execution: ExecutionDocument, workflow: str | None) -> bool:
    return workflow in (None, execution["workflow"]["name"], execution["title"])


def _only(document: RunDocument, workflow: str | None) -> RunDocument:
    if workflow is None:
        return document
    kept = [each for each in document["executions"] if _is_of(each, workflow)]
    if not kept:
        names = ", ".join(dict.fromkeys(each["title"] for each in document["executions"])) or "none"
        raise ValueError(f"no execution of {workflow} in run {document['run']['uid']}; it has {names}")
    ids = {each["workflow"]["workflow_id"] for each in kept}
    findings = [each for each in document["findings"] if each["workflow_id"] in ids]
    return {**document, "executions": kept, "findings": findings}
