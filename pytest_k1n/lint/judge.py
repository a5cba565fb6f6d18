"""Judge definitions: files in, findings out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from pytest_k1n.lint.check import Hit, LintCheck, LintFinding, Target, pointer
from pytest_k1n.lint.check_selection import Selection
from pytest_k1n.lint.misfits import Unread
from pytest_k1n.lint.source_file import DefinitionKind, SourceFile
from pytest_k1n.lint.subject import TaskSubject, WorkflowLibrary, WorkflowSubject
from pytest_k1n.lint.table import checks_of
from pytest_k1n.lint.tree import listed, mapping

MOST_OF_ONE_CODE = 50
"""Findings of one code in one definition; more say no more."""
INLINE_KEY = "k1n-lint-ignore"
"""Key in a definition's or a task's `metadata` with codes that are not to be reported there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was judged, and what was found."""

    findings: tuple[LintFinding, ...]
    files: int
    workflows: int
    task_definitions: int

    @property
    def definitions(self) -> int:
        return self.workflows + self.task_definitions


def lint(sources: Iterable[SourceFile], selection: Selection | None = None) -> Report:
    """Judge all definitions in some files together, so that sub-workflows are found across them."""
    chosen = selection or Selection()
    sources = list(sources)
    library = WorkflowLibrary(chosen.conductor)
    subjects: list[tuple[SourceFile, list[WorkflowSubject | TaskSubject]]] = []
    for source in sources:
        mine: list[WorkflowSubject | TaskSubject] = []
        for kind, path, fields in source.definitions:
            if kind is DefinitionKind.TASK:
                mine.append(TaskSubject(fields, path, library))
                library.add(mine[-1], source.name)
                continue
            workflow = WorkflowSubject(fields, path, library)
            library.add(workflow, source.name)
            mine += [workflow, *workflow.inline()]
        subjects.append((source, mine))
    findings = [found for source, mine in subjects for found in _of_file(source, mine, chosen)]
    every = [each for _, mine in subjects for each in mine]
    return Report(
        findings=tuple(findings),
        files=len(sources),
        workflows=sum(isinstance(each, WorkflowSubject) and not each.is_inline for each in every),
        task_definitions=sum(isinstance(each, TaskSubject) for each in every),
    )


def _of_file(
    source: SourceFile, subjects: list[WorkflowSubject | TaskSubject], selection: Selection
) -> list[LintFinding]:
    wanted = {
        target: [check for check in checks_of(target) if selection.wants(check.code, source.name)] for target in Target
    }
    found = [_finding(check, hit, source, "") for check in wanted[Target.FILE] for hit in check.find(source)]
    for subject in subjects:
        ignored = _ignored(subject.fields)
        for check in wanted[Target.WORKFLOW if isinstance(subject, WorkflowSubject) else Target.TASK]:
            if check.code not in ignored:
                hits = _wanted(check.find(subject), subject, check.code)
                found += [_finding(check, hit, source, subject.title) for hit in hits]
    found.sort(key=lambda each: (each.line, each.column, each.level.rank, each.code))
    return list(dict.fromkeys(found))


def _wanted(hits: Iterable[Hit], subject: WorkflowSubject | TaskSubject, code: str) -> Iterator[Hit]:
    """Leave out what a task itself says it knows, the rest of very many, and what rests on a value that is `Unread`."""
    count = 0
    with suppress(Unread):  # that the server cannot read it, another check has said
        for each in hits:
            task = subject.task_at(each.path) if isinstance(subject, WorkflowSubject) else None
            if task is not None and code in _ignored(task.fields):
                continue
            count += 1
            if count > MOST_OF_ONE_CODE:
                return
            yield each if each.ref or task is None else each._replace(ref=task.ref)


def _ignored(fields: object) -> list[object]:
    return list(listed(mapping(fields, "metadata"), INLINE_KEY)) if isinstance(fields, dict) else []


def _finding(check: LintCheck, hit: Hit, source: SourceFile, subject: str) -> LintFinding:
    if check.code == "not-json":
        line, column = int(hit.path[0]), int(hit.path[1])
        path = ""
    else:
        line, column = source.positions.line_and_column(hit.path)
        path = pointer(hit.path)
    return LintFinding(
        code=check.code,
        level=hit.level or check.level,
        file=source.name,
        line=line,
        column=column,
        pointer=path,
        subject=subject,
        ref=hit.ref,
        message=hit.message,
        fix=hit.fix or check.fix,
    )
