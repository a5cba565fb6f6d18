"""Handlers of events as documents: what they start, and how one is kept to the executions of one test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from pytest_k1n.core.definition.inlining import startable

Document = Mapping[str, Any]
_IN_NO_PATH: Final = re.compile(r"[/\\;%\x00]")
"""What the server refuses in a path, however it is encoded, or reads as something else: it could never be removed."""
_OWN: Final = re.compile(r"-k1n-[0-9a-f]{8}-\d+-\d+-\d+\.(?P<at>\d+)$")


def startable_with_events(
    definition: Document, known: Sequence[Document], handlers: Sequence[Document], *, is_certain: bool = False
) -> list[Document]:
    """Return those of the known definitions that an execution may start, by itself or through handlers of its events.

    All of them, where only the running execution can tell; `is_certain` leaves those out that nothing names.
    """
    found = startable(definition, known, is_certain=is_certain)
    for name in started_by_handlers(handlers):
        if "$" in name and not is_certain:
            return list(known)
        for child in known:
            if child.get("name") == name:
                found += [
                    each for each in (child, *startable(child, known, is_certain=is_certain)) if each not in found
                ]
    return found


def started_by_handlers(handlers: Sequence[Document]) -> Iterator[str]:
    """Yield the names of the workflows that handlers start."""
    for handler in handlers:
        for action in handler.get("actions") or ():
            request = action.get("start_workflow") if isinstance(action, Mapping) else None
            if isinstance(request, Mapping) and action.get("action") == "start_workflow":
                yield str(request.get("name"))


def kept_to(handler: Document, *, name: str, correlation_id: str, domains: Mapping[str, str]) -> dict[str, Any]:
    """Return a handler that acts only on events of one execution and its family, and starts more in their domains.

    A server asks every handler of an event, whichever test has brought it: `name` tells them apart. Without domains
    what it starts is left to the workers that there are. What it starts has the correlation id of the execution,
    unless the handler says another.
    """
    copy = cast("dict[str, Any]", json.loads(json.dumps(handler)))
    given = copy.get("condition")
    if given and copy.get("evaluatorType") == "value-param":
        given = f"$[{json.dumps(given)}]"
    own = f"$.correlationId == {json.dumps(correlation_id)}"
    for key, domain in [*domains.items()][:1]:
        named = json.dumps(key)
        own = f"({own} || ($.taskToDomain != null && $.taskToDomain[{named}] == {json.dumps(domain)}))"
    copy |= {"name": name, "condition": f"{own} && ({given})" if given else own, "evaluatorType": "javascript"}
    for action in copy["actions"]:
        request = action.get("start_workflow") if isinstance(action, dict) else None
        if isinstance(request, dict):
            request.setdefault("correlationId", correlation_id)
            if domains:
                request.setdefault("taskToDomain", dict(domains))
    return copy


def own_name(name: str, *, start: str, number: int, at_s: float) -> str:
    """Name a handler of a test on a server: it shows whose it is, and since when it has been there.

    `start` is of one start of an execution only, and begins with the run's id; `at_s` is in seconds since 1970. What
    cannot stand in the path of a request becomes `_`: 3.32.1 answers `DELETE /event/a%2Fb` with Tomcat's 400.
    """
    return f"{_IN_NO_PATH.sub('_', name)}-k1n-{start}-{number}.{at_s:.0f}"


def registered_s(name: str) -> float | None:
    """Return when a test registered a handler, in seconds since 1970; None for one that no test has brought."""
    match = _OWN.search(name)
    return float(match["at"]) if match else None
