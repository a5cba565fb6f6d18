"""Executions that tests have started themselves: kept in the run folder, and gathered from there for the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_k1n.run.coverage import LOOKED_AT
from pytest_k1n.run.run import Run

if TYPE_CHECKING:
    from pytest_k1n.report.document import ExecutionDocument, VerdictWord

_FOLDER = "own"


def keep_own(run: Run, item: pytest.Item, report: pytest.TestReport) -> None:
    """Keep what a test has started, where the run's reports or its kept folder will show it: as the server has it."""
    held = [each for each in item.stash.get(LOOKED_AT, []) if hasattr(each, "document")]
    settings = run.settings
    is_asked = settings.keep == "always" or settings.report or settings.html
    if not held or not (is_asked or (report.failed and settings.keep == "failed")):
        return
    from pytest_k1n.report.execution_document import JudgedExecution, execution_document

    verdict: VerdictWord = "fail" if report.failed else "pass"
    for number, each in enumerate(held):
        try:
            seen, document = each.newest(), cast("Any", each).document()
        except Exception as error:  # whatever a server that has gone may raise: the test has its own verdict
            run.progress.say(f"an execution of {item.nodeid} could not be kept: {error}")
            continue
        judged = JudgedExecution(observation=seen, title=f"{item.name}: {seen.execution.name}", verdict=verdict)
        run.folder.write_snapshot(seen.execution.workflow_id, document)
        place = f"{_FOLDER}/{seen.execution.workflow_id}.json"
        run.folder.write_json(place, {"test": item.nodeid, "nth": number, "execution": execution_document(judged)})


def own_documents(run: Run, messages: Mapping[str, str]) -> Sequence[ExecutionDocument]:
    """Return what tests have started and kept, in the order of the tests, with what each test has raised."""
    documents: list[ExecutionDocument] = []
    for each in sorted(_kept(run), key=lambda each: (each["test"], each["nth"])):
        documents.append(each["execution"])
        if each["test"] in messages:
            documents[-1]["raised"] = messages[each["test"]]
    return documents


def _kept(run: Run) -> Iterator[dict[str, Any]]:
    for path in sorted((run.folder_path / _FOLDER).glob("*.json")):
        yield run.folder.read_json(f"{_FOLDER}/{path.name}")
