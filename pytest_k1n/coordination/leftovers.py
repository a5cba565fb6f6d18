"""What a killed run has left on a server that outlives it: running executions, definitions and event handlers.

A run that ends, however badly, ends its executions and takes its tests' definitions away. `kill -9` gives it no time
to; its folder in the temporary folder tells the next run, and `k1n sweep`, what there is to do.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from pytest_k1n.core.record.correlation import correlations_of
from pytest_k1n.core.text import from_json
from pytest_k1n.servers.folders import claimed, left_behind

if TYPE_CHECKING:
    from pytest_k1n.client.api import Conductor

REGISTERED: Final = "registered-by-this-run"
"""Marks, in a folder of one of these two, a definition that the server did not know before."""
WORKFLOWS: Final = "brought"
TASKS: Final = "brought-tasks"
EVENT_HANDLERS: Final = "event-handlers"
"""Holds, in the folder of a run, a file for each event handler that it has registered, named as that is."""
KEPT_S: Final = 7 * 86_400.0
"""How long it is remembered that a server may hold something of a dead run."""
_MOST: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A dead run that used a server it did not own."""

    folder: Path
    uid: str
    url: str
    """Without secrets."""
    definitions: tuple[tuple[str, int], ...] = ()
    """Name and version of the workflows that it had registered for its tests."""
    task_definitions: tuple[str, ...] = ()
    """Names of those that it had registered for its tests."""
    event_handlers: tuple[str, ...] = ()
    """Names of those that it had registered."""


def leftovers(root: Path | None = None) -> list[Leftover]:
    """Return the dead runs of this machine that may have left something on a server."""
    return [found for folder in left_behind(root) if (found := leftover_in(folder)) is not None]


def leftover_in(folder: Path) -> Leftover | None:
    """Read what a dead run may have left; None if its server was its own, or the run is long past."""
    try:
        if time.time() - folder.stat().st_mtime > KEPT_S:
            return None
        server: Mapping[str, Any] = from_json((folder / "state.json").read_text(encoding="utf-8"))["server"] or {}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not server.get("url") or server.get("owned"):
        return None
    places = sorted((folder / WORKFLOWS).glob(f"*/{REGISTERED}"))
    named = (unquote(place.parent.name).rpartition(".") for place in places)
    return Leftover(
        folder=folder,
        uid=folder.name.split("-")[1],
        url=str(server["url"]),
        definitions=tuple((name, int(version)) for name, _, version in named if version.isdigit()),
        task_definitions=tuple(unquote(each.parent.name) for each in sorted((folder / TASKS).glob(f"*/{REGISTERED}"))),
        event_handlers=tuple(unquote(place.name) for place in sorted((folder / EVENT_HANDLERS).glob("*"))),
    )


def running(client: Conductor, leftover: Leftover) -> list[str]:
    """Return the ids of what still runs of a dead run. Raises ConductorError."""
    query = f"status IN (RUNNING,PAUSED) AND correlationId = {correlations_of(leftover.uid)}"
    return [str(each["workflowId"]) for each in client.search(query, size=_MOST)]


def clear(client: Conductor, found: Sequence[Leftover]) -> Iterator[str]:
    """End what dead runs have left running and take their definitions away; yield a line for each that had any.

    Raises ConductorError; what was not done is left for the next time.
    """
    for leftover in found:
        with claimed(leftover.folder) as folder:
            if folder is None:
                continue  # another run was faster
            silenced = [each for each in leftover.event_handlers if _quietly(client.remove_event_handler, each)]
            ids, removed = running(client, leftover), []
            for id_ in ids:
                _quietly(client.terminate, id_, "the pytest-k1n run that started it was killed")
            for name, version in leftover.definitions:
                if _quietly(client.unregister_workflow, name, version):
                    removed.append(name)
            for name in leftover.task_definitions:
                client.unregister_task(name)
                removed.append(name)
            shutil.rmtree(folder, ignore_errors=True)
        if ids or removed or silenced:
            ended = f"{len(ids)} execution{'s' * (len(ids) != 1)} ended" if ids else ""
            gone = f"definitions removed: {', '.join(removed)}" if removed else ""
            deaf = f"event handlers removed: {', '.join(silenced)}" if silenced else ""
            yield f"run {leftover.uid} was killed; of what it left: {'; '.join(filter(None, (ended, gone, deaf)))}"


def _quietly(call: Any, *arguments: object) -> bool:
    """Do what may have been done already; tell whether there was something to do."""
    from pytest_k1n.client.errors import Conflict, NotFound, ServerFailure

    try:
        call(*arguments)
    except (NotFound, Conflict, ServerFailure):  # SQL servers answer 500 for a definition that is not there
        return False
    return True
