"""`k1n estimates suggest [RUN...]`: what recorded runs say about the plan's estimates, and writing it into the plan."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_k1n.commands.runs import add_run_arguments, read_runs
from pytest_k1n.coordination.runfolder import replace_text
from pytest_k1n.core.text import as_lines
from pytest_k1n.core.units import format_ms
from pytest_k1n.plan.find import find_plan
from pytest_k1n.plan.write import with_estimates
from pytest_k1n.report.learning import Learned, learned


def main(argv: Sequence[str]) -> int:
    """Suggest, and with --write change the plan; 0, or 2 for what cannot be read or written."""
    parser = argparse.ArgumentParser(prog="k1n estimates", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    suggest = commands.add_parser("suggest", help="the median of what each task took in these runs")
    add_run_arguments(suggest, many="+")
    suggest.add_argument("--workflow", metavar="NAME", help="only of this workflow")
    suggest.add_argument("--write", action="store_true", help="write them into the plan; its comments stay")
    suggest.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    arguments = parser.parse_args(argv)
    found = [each for each in learned(read_runs(arguments)) if arguments.workflow in (None, each.workflow)]
    if not found:
        raise ValueError("these runs have no planned task: name runs of a plan's batches")
    if arguments.json:
        print(json.dumps([_json(each) for each in found], indent=1))
    else:
        print(as_lines(_text(found)))
    if arguments.write:
        _write(found, arguments.plan, is_quiet=arguments.json)
    return 0


def _text(found: Sequence[Learned]) -> Iterator[str]:
    width = max(len(each.ref) for each in found)
    for workflow in dict.fromkeys(each.workflow for each in found):
        yield workflow
        for each in found:
            if each.workflow == workflow:
                yield f"  {each.ref:<{width}}  {_claim(each)}"


def _claim(each: Learned) -> str:
    planned = f"planned {format_ms(each.estimate_ms)}" if each.estimate_ms is not None else "no estimate"
    if each.median_ms is None:
        every = "the one execution" if each.simulated == 1 else f"all {each.simulated} executions"
        why = f"simulated in {every}" if each.simulated else "never completed"
        return f"{planned}, {why}: nothing to learn"
    spread = f"{format_ms(min(each.took))} to {format_ms(max(each.took))}" if len(each.took) > 1 else "once"
    took = f"took {format_ms(each.median_ms)} in the median ({len(each.took)} measured, {spread})"
    return f"{planned}, {took}: " + (f'suggest "{each.suggestion}"' if each.suggestion else "keep it")


def _write(found: Sequence[Learned], named: str | None, *, is_quiet: bool) -> None:
    chosen = find_plan((".",), Path.cwd(), named, None)
    if chosen is None:
        raise ValueError("no plan is here to write into: name one with --plan")
    path = chosen[0]
    wanted = {(each.workflow, each.ref): each.suggestion for each in found if each.suggestion}
    mark, before = _text_of(path)
    after = with_estimates(before, wanted, source=str(path), folder=path.parent) if wanted else before
    if after != before:
        mode = path.stat().st_mode
        replace_text(path, mark + after)
        path.chmod(mode)
    if not is_quiet:
        print(f"wrote {len(wanted)} estimates into {path}" if after != before else f"{path} stays as it is")


def _text_of(path: Path) -> tuple[str, str]:
    """Read a plan with the ends of its lines as they are; the mark that editors of Windows put first, apart."""
    text = path.read_bytes().decode("utf-8")
    return (text[:1], text[1:]) if text.startswith("\ufeff") else ("", text)


def _json(each: Learned) -> dict[str, object]:
    return {"workflow": each.workflow, "ref": each.ref, "estimate_ms": each.estimate_ms, "median_ms": each.median_ms,
            "took_ms": list(each.took), "simulated": each.simulated, "suggestion": each.suggestion}  # fmt: skip
