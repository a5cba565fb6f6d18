"""Record, compare and shrink from a shell: `PYTHONPATH=tests/parity python -m k1n_parity --help`."""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from k1n_parity.agreement import agreed
from k1n_parity.grammar import generate
from k1n_parity.sightings import Question, answered
from k1n_parity.suites import SUITES
from k1n_parity.targets import EngineTarget
from pytest_k1n.conformance.cases import Case, Document
from pytest_k1n.conformance.compare import differences
from pytest_k1n.conformance.corpus import Recording, read, recorded, recordings_of, write
from pytest_k1n.conformance.driver import DisturbedError, run
from pytest_k1n.conformance.known import known_differences, known_of, unexplained
from pytest_k1n.conformance.normalise import canonical
from pytest_k1n.conformance.sightings import RunsVerdict
from pytest_k1n.conformance.target import CaseTarget, RealTarget
from pytest_k1n.engine.rest.health import VERSION as ENGINE_VERSION
from pytest_k1n.servers.protocol import SERVER_VERSION

SAVE_EVERY = 20
MOST_OTHERS = 12
"""Histories beside the recorded one: a case that shows more has something that the normaliser should leave out."""
R = TypeVar("R")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 1 if anything differs that should not."""
    options = _options(argv)
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def record(options: argparse.Namespace) -> int:
    """Ask the real server about every case until it shows what the engine does or two runs agree; write that down."""
    target = RealTarget(options.server)
    uid = uuid.uuid4().hex[:5]
    path = _path(options.suite)
    kept = read(path) if path.exists() else {}
    cases = list(_cases(options))
    runs: Counter[int] = Counter()
    unsettled: list[str] = []

    def ask(numbered: tuple[int, Case]) -> Recording | None:
        index, case = numbered
        old = kept.get(case.name)
        shown = canonical(run(case, EngineTarget(), "engine_"))
        is_current = old is not None and old.case.digest() == case.digest() and not options.afresh
        if is_current and not (options.differing and old.history != shown):
            return old
        try:
            found = agreed(case, target, f"p{uid}c{index}_", options.runs, shown)
        except DisturbedError as error:
            unsettled.append(str(error))
            return None
        runs[found.runs] += 1
        if found.history is None and is_current:
            return old
        if found.history is None:
            unsettled.append(f"{case.name}: no two of {found.runs} histories agree")
            return None
        earlier = (old.history, *old.also) if is_current else ()
        also = tuple(one for one in earlier if one != found.history)
        return Recording(suite=options.suite, case=case, history=found.history, conductor=SERVER_VERSION, also=also)

    began = time.monotonic()
    everything = [case.name for case in SUITES[options.suite]()]
    answers: dict[str, Recording] = {}
    for one in _spread(ask, enumerate(cases), options.jobs):
        if one is not None:
            answers[one.name] = one
        if len(answers) % SAVE_EVERY == 0:  # an hour's recording shall not hang on its last case
            _save(path, everything, kept | answers)
    _save(path, everything, kept | answers if options.only or options.seeds else answers)
    print(f"{len(answers)} of {len(cases)} recorded in {time.monotonic() - began:.0f} s; runs needed: {dict(runs)}")
    for line in unsettled:
        print(f"  left out: {line}")
    return 0


def vary(options: argparse.Namespace) -> int:
    """Ask the real server again about recorded cases, and write down beside the recording what else it shows."""
    path, uid, target = _path(options.suite), uuid.uuid4().hex[:5], RealTarget(options.server)
    kept, everything = read(path), [case.name for case in SUITES[options.suite]()]
    found: Counter[str] = Counter()

    def ask(numbered: tuple[int, Case]) -> Recording:
        index, case = numbered
        one = kept[case.name]
        for number in range(options.runs):
            try:
                shown = canonical(run(case, target, f"o{uid}c{index}r{number}_"))
            except DisturbedError:
                continue
            if shown not in (one.history, *one.also) and not _is_spoilt(shown) and len(one.also) < MOST_OTHERS:
                one = replace(one, also=(*one.also, shown))
                found[case.name] += 1
        return one

    cases = [case for case in _cases(options) if recorded(case, kept) is not None]
    for number, one in enumerate(_spread(ask, enumerate(cases), options.jobs), 1):
        kept[one.name] = one
        if number % SAVE_EVERY == 0:
            _save(path, everything, kept)
            print(
                f"{number} of {len(cases)} cases, {found.total()} other histories of {len(found)} of them", flush=True
            )
    _save(path, everything, kept)
    print(
        f"{len(cases)} cases asked about {options.runs} times: {found.total()} other histories of {len(found)} of them"
    )
    return 0


def _is_spoilt(history: Document) -> bool:
    """Whether the server stood still in it, which a busy machine does to any case."""
    return any(str(entry).startswith("stalled") for entry in history["trace"])


def _save(path: Path, order: list[str], recordings: dict[str, Recording]) -> None:
    write(path, [recordings[name] for name in order if name in recordings])


def verify(options: argparse.Namespace) -> int:
    """Run recorded cases again on a real server: each must show its recording."""
    uid = uuid.uuid4().hex[:5]
    recordings = read(_path(options.suite))
    target = RealTarget(options.server)
    return _weigh(
        (
            Question(
                case=case, target=target, prefix=f"v{uid}c{index}_", recorded=expected, also=recordings[case.name].also
            )
            for index, case in enumerate(_cases(options))
            if (expected := recorded(case, recordings)) is not None
        ),
        options.jobs,
    )


def ask(options: argparse.Namespace) -> int:
    """Compare the engine with a real server, without recordings."""
    return _weigh(_questions(options), options.jobs)


def compare(options: argparse.Namespace) -> int:
    """Compare the engine with what was recorded."""
    recordings = read(_path(options.suite))
    return _tell(
        (case, expected, canonical(run(case, EngineTarget(), "engine_")))
        for case in _cases(options)
        if (expected := recorded(case, recordings)) is not None
    )


def reduce(options: argparse.Namespace) -> int:
    """Shrink the first diverging case of those chosen, on a live server and the engine."""
    for question in _questions(options):
        seen = question.ask(4)
        if seen.verdict is RunsVerdict.DIVERGES:
            smallest = question.smallest(seen, trials=options.trials, within_s=3600)
            print(json.dumps(smallest.document(), indent=1))
            again = replace(question, case=smallest, prefix=f"{question.prefix}z")
            print("\n".join(again.told(again.ask())))
            return 1
    print("nothing diverges")
    return 0


def show(options: argparse.Namespace) -> int:
    """Print one case and its history on the engine or a live server."""
    for case in _cases(options):
        target: CaseTarget = RealTarget(options.server) if options.server else EngineTarget()
        history = canonical(run(case, target, f"w{uuid.uuid4().hex[:6]}_"))
        print(json.dumps({"case": case.document(), "history": history}, indent=1))
    return 0


def _questions(options: argparse.Namespace) -> Iterator[Question]:
    uid, target = uuid.uuid4().hex[:5], RealTarget(options.server)
    known = known_of(ENGINE_VERSION, SERVER_VERSION, known_differences())
    for index, case in enumerate(_cases(options)):
        yield Question(case=case, target=target, prefix=f"a{uid}c{index}_", known=known)


def _weigh(questions: Iterable[Question], jobs: int) -> int:
    verdicts: Counter[str] = Counter()
    for question, seen in answered(questions, jobs):
        verdicts[seen.verdict.name] += 1
        if seen.verdict is not RunsVerdict.AGREES:
            print("\n".join(question.told(seen)))
    print(dict(verdicts))
    return 1 if verdicts[RunsVerdict.DIVERGES.name] else 0


def _tell(results: Iterator[tuple[Case, Document, Document | None]]) -> int:
    known = known_of(ENGINE_VERSION, SERVER_VERSION, known_differences())
    total = explained = bad = 0
    for case, expected, shown in results:
        total += 1
        found = list(differences(expected, shown)) if shown is not None else []
        left = unexplained(found, case, known)
        explained += bool(found) and not left
        if left:
            bad += 1
            print(f"DIFFERS {case.name}")
            for one in left[:12]:
                print(f"    {one}")
    print(f"{total} compared, {bad} differ, {explained} differ as known")
    return 1 if bad else 0


def _spread(
    work: Callable[[tuple[int, Case]], R], cases: Iterator[tuple[int, Case]] | enumerate[Case], jobs: int
) -> Iterator[R]:
    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(work, case) for case in cases]):
            yield done.result()


def _cases(options: argparse.Namespace) -> Iterator[Case]:
    if options.seeds:
        first, _, last = options.seeds.partition(":")
        return map(generate, range(int(first), int(last or int(first) + 1)))
    cases = (case for case in SUITES[options.suite]() if not options.only or options.only in case.name)
    if options.differing_in is None:
        return cases
    told = json.loads(options.differing_in.read_text(encoding="utf-8"))["cases"]
    differing = {each["name"] for each in told if each["suite"] == options.suite and each["outcome"] != "same"}
    return (case for case in cases if case.name in differing)


def _path(suite: str) -> Path:
    return recordings_of(suite)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="k1n_parity", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, command in {
        "record": record,
        "vary": vary,
        "verify": verify,
        "ask": ask,
        "compare": compare,
        "shrink": reduce,
        "show": show,
    }.items():
        sub = commands.add_parser(name, help=(command.__doc__ or "").splitlines()[0])
        sub.add_argument("suite", choices=sorted(SUITES))
        sub.add_argument("--only", help="cases whose name contains this")
        sub.add_argument(
            "--differing-in",
            type=Path,
            metavar="REPORT",
            help="cases that a report of `k1n conformance --json` does not call the same",
        )
        sub.add_argument("--seeds", help="generated cases, FIRST:LAST (LAST not included)")
        sub.add_argument(
            "--server",
            help="URL of a running Conductor",
            required=name in ("record", "vary", "verify", "ask", "shrink"),
        )
        sub.add_argument("--jobs", type=int, default=6, help="cases at once on the real server")
        sub.add_argument("--trials", type=int, default=150, help="the most cases that shrinking tries")
        sub.add_argument("--afresh", action="store_true", help="record again what is recorded already")
        sub.add_argument("--differing", action="store_true", help="record again what the engine does not show")
        sub.add_argument("--runs", type=int, default=3, help="how often a case is asked about before it is given up")
        sub.set_defaults(command=command)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
