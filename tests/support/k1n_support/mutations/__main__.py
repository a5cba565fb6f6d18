"""`python -m k1n_support.mutations`: mutate every recorded execution in every field, and show what becomes of it.

Exit 1 for a mutation that is neither noticed nor harmless, and for an entry of `harmless.toml` that nothing needs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from k1n_support.mutations.changes import Row
from k1n_support.mutations.counting import Counts, counted
from k1n_support.mutations.harmless import read
from k1n_support.mutations.judging import recorded, subject


def main() -> int:
    """Count, print the table; 1 where something is missed."""
    parser = argparse.ArgumentParser(prog="python -m k1n_support.mutations")
    parser.add_argument("--share", type=float, default=1, help="of all mutations, drawn by the seed (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--alike", type=int, default=1, metavar="N", help="of alike records of one execution (default: 1)"
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="executions whose name holds this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every row with its counts")
    parser.add_argument("--from", dest="known", type=Path, metavar="FILE", help="show what --json has written")
    arguments = parser.parse_args()
    if arguments.known:
        return show(_counts(json.loads(arguments.known.read_text())), len(recorded()), is_whole=True)
    chosen = [subject(name) for name in recorded() if arguments.only in name]
    names = [each.name for each in sorted(chosen, key=lambda each: -len(each.document["tasks"]))]  # the longest first
    counts = counted(
        names, share=arguments.share, seed=arguments.seed, alike=arguments.alike, at_once=os.cpu_count() or 1
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(_rows(counts)))
    is_whole = arguments.share >= 1 and not arguments.only
    return show(counts, len(names), is_whole=is_whole)


def show(counts: Counts, executions: int, *, is_whole: bool) -> int:
    """Print what was noticed, what is harmless by reason, and what is missed."""
    reasons, entries = read()
    by_reason: Counter[str] = Counter()
    missed: list[str] = []
    for row, places in sorted(counts.silent.items()):
        reasons_of = [next((each.reason for each in entries if each.matches(row, place)), None) for place in places]
        by_reason.update(reason for reason in reasons_of if reason is not None)
        if unknown := [place for place, reason in zip(places, reasons_of, strict=True) if reason is None]:
            missed.append(f"{' | '.join(row)}: {len(unknown)}, as in {unknown[0]}")
    noticed, silent = counts.noticed.total(), sum(map(len, counts.silent.values()))
    fields = len({(row.part, row.field) for row in counts.rows})
    print(f"| executions | {executions} |\n|---|---:|")
    print(f"| fields | {fields} |\n| fields x kinds x classes of tasks | {len(counts.rows)} |")
    print(f"| mutations | {noticed + silent} |\n| noticed | {noticed} |")
    print(f"| noticed without definition and plan | {counts.alone.total()} |")
    for name, count in by_reason.most_common():
        print(f"| harmless: {reasons[name]} | {count} |")
    print(f"| missed | {silent - by_reason.total()} |")
    unused = (
        [line for each in entries if not each.is_of_alike for line in each.unused(counts.silent)] if is_whole else []
    )
    for line in missed:
        print(f"missed: {line}", file=sys.stderr)
    for line in unused:
        print(f"no longer needed: {line}", file=sys.stderr)
    return 1 if missed or unused else 0


def _counts(rows: list[list[Any]]) -> Counts:
    counts = Counts()
    for part, field, kind, of, noticed, alone, places in rows:
        row = Row(part, field, kind, of)
        counts.noticed[row], counts.alone[row] = noticed, alone
        if places:
            counts.silent[row] = places
    return counts


def _rows(counts: Counts) -> list[list[object]]:
    return [[*row, counts.noticed[row], counts.alone[row], counts.silent.get(row, [])] for row in counts.rows]


if __name__ == "__main__":
    sys.exit(main())
