"""`k1n conformance URL`: what a server of any version does otherwise than a recorded Conductor."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_k1n.client.clock import is_embedded
from pytest_k1n.commands.definitionfile import document_of
from pytest_k1n.conformance.asked_server import UnfitServer, subject_at
from pytest_k1n.conformance.conduct import conduct
from pytest_k1n.conformance.corpus import Recording, chosen, read_all
from pytest_k1n.conformance.known import known_differences, known_of
from pytest_k1n.conformance.verdict import CaseOutcome, CaseResult, ConformanceReport, lines, unsettled
from pytest_k1n.core.text import as_lines
from pytest_k1n.validation.schema import validate

_PROGRESS_EVERY_S = 5.0
_EXAMPLES = """\
exit code: 0 nothing differs but what is known, 1 something does, 2 a mistake, or no server answers

  k1n conformance http://localhost:8080                       all cases: half an hour
  k1n conformance http://localhost:8080 --sample 100          a hundred of them, spread evenly
  k1n conformance http://localhost:8080 --only 'catalogue/*JOIN*' --json join.json
  k1n conformance http://localhost:8080 --again join.json     once more what differed, when the machine is quiet
  k1n conformance --write DIR --only operations/              the cases as JSON files, to read or to run elsewhere
"""


def main(argv: Sequence[str]) -> int:
    """Run `k1n conformance`; 0 nothing differs but what is known, 1 something does, 2 a mistake or no server."""
    arguments = _parser().parse_args(argv)
    every = list(read_all(arguments.cases))
    titles = None if arguments.again is None else _unsettled(arguments.again)
    recordings = chosen(every, only=arguments.only, titles=titles, sample=arguments.sample)
    if not recordings and titles is not None:
        raise ValueError(f"{arguments.again} leaves nothing to ask again of these cases")
    if not recordings:
        raise ValueError(f"none of {len(every)} cases is called {arguments.only!r}: --list names them")
    if arguments.list:
        print("\n".join(one.title for one in recordings))
        return 0
    if arguments.write is not None:
        return _write(recordings, arguments.write)
    if arguments.url is None:
        raise ValueError("name a server: k1n conformance http://localhost:8080")
    return _ask(arguments, recordings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="k1n conformance", description=__doc__, epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("url", nargs="?", metavar="URL", help="of a running Conductor; its executions and definitions are left alone, "
        "but many are added: not one in use")  # fmt: skip
    add("--only", metavar="PATTERN", help="cases whose SUITE/NAME holds this, or matches it if it has * ? or []")
    add("--sample", type=_positive, metavar="N", help="N of them, spread evenly")
    add("--again", type=Path, metavar="FILE", help="those that a report before (--json) calls different or undecided, "
        "or did not come to")  # fmt: skip
    add("--cases", type=Path, metavar="PATH", help="other cases: a file, or a folder of .json, .jsonl or .jsonl.xz")
    add("--known", type=Path, metavar="FILE", help="other known differences (TOML; default: those of the package)")
    add("--version", metavar="V", help="what the server is, where it does not say so or is a build of your own")
    add("--jobs", type=_positive, default=6, metavar="N", help="cases at once (default: %(default)s)")
    add("--runs", type=_positive, default=4, metavar="N", help="how often a case that differs is asked about "
        "(default: %(default)s)")  # fmt: skip
    add("--json", type=Path, metavar="FILE", help="write the report as JSON")
    add("--show", type=_positive, default=3, metavar="N", help="differences shown of a case (default: %(default)s)")
    add("--list", action="store_true", help="name the cases, and ask nobody")
    add("--write", type=Path, metavar="DIR", help="write the cases as JSON files, and ask nobody")
    return parser


def _ask(arguments: argparse.Namespace, recordings: Sequence[Recording]) -> int:
    try:
        subject = subject_at(arguments.url, arguments.version)
    except UnfitServer as error:
        raise ValueError(str(error)) from None
    except OSError as error:
        raise ValueError(f"no Conductor answers at {arguments.url}: {error}") from None
    conductor = recordings[0].conductor
    every = known_differences(arguments.known)
    known = known_of(subject.version, conductor, every)
    began = time.monotonic()
    teller = _Teller(began)
    cut: BaseException | None = None
    why = ""
    try:
        results = conduct(recordings, subject, known=known, jobs=arguments.jobs, runs=arguments.runs, progress=teller)
    except (KeyboardInterrupt, OSError) as error:
        results, cut = [*teller.newest.values()], error
        why = "interrupted" if isinstance(error, KeyboardInterrupt) else "the server no longer answers"
    asked = {one.title for one in results}
    report = ConformanceReport(
        url=subject.url, version=_title(subject.version), conductor=conductor, results=tuple(results), known=known,
        took_s=time.monotonic() - began, not_asked=tuple(one.title for one in recordings if one.title not in asked),
    )  # fmt: skip
    if cut is not None:
        print(f"{why}: {len(results)} of {len(recordings)} cases were asked about, some of them not often enough\n")
    print(as_lines(lines(report, most=arguments.show)))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(report.document(), indent=1) + "\n", encoding="utf-8")
        print(f"\nwrote {arguments.json}")
    if isinstance(cut, KeyboardInterrupt):
        raise cut
    if cut is not None:
        raise ValueError(f"{why}: {cut}")
    return 0 if report.conforms else 1


def _unsettled(path: Path) -> set[str]:
    document: Any = document_of(path)
    if problems := validate(document, "conformance"):
        raise ValueError(f"{path}: no report of k1n conformance: {problems[0]}")
    return unsettled(document)


def _write(recordings: Sequence[Recording], target: Path) -> int:
    taken: set[str] = set()
    for one in recordings:
        place = target / one.suite
        place.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w-]+", "-", one.name).strip("-")[:120]
        while f"{one.suite}/{name}" in taken:
            name += "-"
        taken.add(f"{one.suite}/{name}")
        path = place / f"{name}.json"
        path.write_text(json.dumps(one.document(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {len(recordings)} cases into {target}")
    return 0


class _Teller:
    """Says on standard error every few seconds how far it is."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._next = began + _PROGRESS_EVERY_S
        self._counts = dict.fromkeys(CaseOutcome, 0)
        self.newest: dict[tuple[str, str], CaseResult] = {}
        """By suite and name."""

    def __call__(self, done: int, of: int, result: CaseResult, again: bool) -> None:
        if before := self.newest.get((result.suite, result.name)):
            self._counts[before.outcome] -= 1
        self._counts[result.outcome] += 1
        self.newest[result.suite, result.name] = result
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _PROGRESS_EVERY_S
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self._counts.items() if count)
        cases = f"asked again, one by one, about {done} of {of} cases" if again else f"{done} of {of} cases"
        print(f"k1n conformance: {cases} after {now - self._began:.0f}s; {counts}", file=sys.stderr, flush=True)


def _title(version: str) -> str:
    return f"embedded engine {version}" if is_embedded(version) else f"Conductor {version}"


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)
