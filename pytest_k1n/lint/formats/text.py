"""For people: findings by file, one line what is wrong and one what to do, and a summary at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from pytest_k1n.core.text import counted, one_line
from pytest_k1n.lint.check import Level, LintFinding
from pytest_k1n.lint.judge import Report

_COLOURS = {Level.ERROR: "31", Level.WARNING: "33", Level.INFO: "36"}


def text(report: Report, *, colour: bool = False, skipped: int = 0) -> str:
    """Write the findings of each definition together, and count them in the last line."""
    lines: list[str] = []
    for _, findings in groupby(report.findings, key=lambda each: (each.file, each.subject)):
        lines += [*_of_definition(list(findings), colour), ""]
    lines.append(_summary(report, colour, skipped))
    return "\n".join(lines)


def _of_definition(findings: list[LintFinding], colour: bool) -> Iterator[str]:
    """Name the definition, then each finding with its place; a remedy is said at the first finding that has it."""
    first = findings[0]
    file = one_line(first.file)
    yield _painted(f"{one_line(first.subject, most=100)} in {file}" if first.subject else file, "1", colour)
    width = max(len(f"{file}:{each.line}") for each in findings)
    said: set[str] = set()
    for each in findings:
        where = f"{file}:{each.line}"
        what = one_line(f"{each.ref}: {each.message}" if each.ref else each.message)
        level = _painted(f"{each.level:<7}", _COLOURS[each.level], colour)
        yield f"  {where:<{width}}  {level}  {what}  {_painted(f'[{each.code}]', '2', colour)}"
        if each.fix not in said:
            said.add(each.fix)
            yield f"  {'':<{width}}           {_painted(one_line(each.fix), '2', colour)}"


def _summary(report: Report, colour: bool, skipped: int) -> str:
    count = Counter(each.level for each in report.findings)
    parts = [
        _painted(counted(count[level], one), _COLOURS[level], colour)
        for level, one in ((Level.ERROR, "error"), (Level.WARNING, "warning"), (Level.INFO, "note"))
        if count[level]
    ]
    found = ", ".join(parts) or _painted("nothing found", "32", colour)
    judged = [
        counted(report.workflows, "workflow"),
        counted(report.task_definitions, "task definition"),
    ]
    what = " and ".join(each for each in judged if not each.startswith("0 ")) or "0 definitions"
    rest = f"; {counted(skipped, 'other JSON file')} skipped" if skipped else ""
    return f"{found} in {what} ({counted(report.files, 'file')}{rest})"


def _painted(words: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{words}\x1b[0m" if colour else words
