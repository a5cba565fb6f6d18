"""`k1n coverage`: what recorded executions, and earlier runs, have exercised of their definitions. Reads only."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from pytest_k1n.commands.numbers import percentage
from pytest_k1n.commands.saved import NoExecution
from pytest_k1n.commands.subject import Reader, add_subject_arguments
from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.core.text import as_lines, from_json
from pytest_k1n.coverage.document import as_text, read_coverage
from pytest_k1n.coverage.merging import Covered, covered, merged, rate
from pytest_k1n.coverage.page import page
from pytest_k1n.coverage.table import table


def main(argv: Sequence[str]) -> int:
    """Print the coverage; 0, 1 for less than --fail-under, 2 for what cannot be read."""
    parser = argparse.ArgumentParser(prog="k1n coverage", description=__doc__)
    add_subject_arguments(parser, many=True)
    parser.add_argument("--json", action="store_true", help="print the coverage document instead of a table")
    parser.add_argument("--report", metavar="FILE", type=Path, action="append", default=[],
        help="write it: FILE.json (which a later call can add up) or FILE.html")  # fmt: skip
    parser.add_argument("--fail-under", metavar="PERCENT", type=percentage, help="exit 1 if less is exercised")
    arguments = parser.parse_args(argv)
    for path in arguments.report:
        if path.suffix not in (".json", ".html"):
            parser.error(f"--report {path}: a coverage report's name ends in .json or .html")
    with closing(Reader(arguments)) as reader:
        definitions = merged(_parts(reader, arguments.executions))
    if not definitions:
        raise ValueError("no execution and no coverage document in what was named")
    print(as_text(definitions) if arguments.json else as_lines(table(definitions, most=None)))
    for path in arguments.report:
        replace_text(path, page(definitions) if path.suffix == ".html" else as_text(definitions))
    return int(arguments.fail_under is not None and rate(definitions) < arguments.fail_under)


def _parts(reader: Reader, names: Sequence[str]) -> Iterator[Covered]:
    """Yield the coverage of every execution and document. Raises ValueError for what cannot be read."""
    for subject in reader.subjects(names):
        if not isinstance(subject, NoExecution):
            seen = subject.observation
            yield covered(seen.execution, seen.as_run.definition, [subject.source], seen.task_definitions)
        elif not subject.is_foreign:
            raise ValueError(f"{subject.source}: {subject.reason}")
        elif (path := Path(subject.source)).is_file() and (earlier := _earlier(path)):
            yield from earlier
        elif subject.source in names:
            raise ValueError(f"{subject.source}: {subject.reason}")


def _earlier(path: Path) -> tuple[Covered, ...]:
    """Read the coverage document of an earlier run; empty for a file of another kind. Raises ValueError."""
    try:
        document = from_json(path.read_bytes())
    except ValueError:
        return ()
    if not isinstance(document, dict) or not str(document.get("schema", "")).startswith("k1n-coverage/"):
        return ()
    try:
        return read_coverage(document)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
