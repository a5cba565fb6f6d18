"""`k1n sweep`: end what killed runs have left running on servers, and take their definitions and event handlers away.

A run does so itself for what others have left, on this machine, at the server that it uses. With `--older` also what
runs of other machines have left at --server: executions of pytest-k1n that still run so long after their start,
and event handlers of its tests that are as old.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import ConductorError, Conflict, NotFound
from pytest_k1n.client.transport import transport_for
from pytest_k1n.coordination.leftovers import Leftover, clear, leftovers, running
from pytest_k1n.core.definition.eventhandlers import registered_s
from pytest_k1n.core.record.correlation import correlations_of
from pytest_k1n.core.text import as_lines
from pytest_k1n.core.units import duration_ms
from pytest_k1n.servers.protocol import shown_urls

_MOST = 1000


def main(argv: Sequence[str]) -> int:
    """Run `k1n sweep`; 0 if nothing is left, 1 if a server cannot be used or something is left, 2 for a mistake."""
    parser = argparse.ArgumentParser(prog="k1n sweep", description=__doc__)
    parser.add_argument("--server", metavar="URL", help="only there; a password in it is kept nowhere else")
    parser.add_argument("--older", metavar="DURATION", help='as in "6h": also of other machines, at --server')
    parser.add_argument("--dry-run", action="store_true", help="only show what there is")
    options = parser.parse_args(argv)
    try:
        older_ms = duration_ms(options.older) if options.older else None
        where = shown_urls(options.server) if options.server else None
    except ValueError as error:
        parser.error(str(error))
    if older_ms is not None and not options.server:
        parser.error("--older needs --server URL")
    found = [each for each in leftovers() if where in (None, each.url)]
    by_url: dict[str, list[Leftover]] = {}
    for each in found:
        by_url.setdefault(each.url, []).append(each)
    if where is not None and older_ms is not None:
        by_url.setdefault(where, [])
    failed = said = 0
    for url, mine in by_url.items():
        try:
            with closing(Conductor(transport_for(options.server or url))) as client:
                lines = list(_shown(client, mine) if options.dry_run else clear(client, mine))
                if older_ms is not None:
                    lines += _handlers_of_others(client, older_ms, is_dry=options.dry_run)
                    lines += _of_others(client, older_ms, is_dry=options.dry_run)
        except (ConductorError, ValueError) as error:
            failed += 1
            print(as_lines([f"k1n sweep: {url}: {error}"]), file=sys.stderr)
            continue
        for line in lines:
            print(as_lines([f"{url}: {line}"]))
        said += len(lines)
    if not said and not failed:
        print("nothing is left")
    return int(bool(failed or (said and options.dry_run)))


def _shown(client: Conductor, found: Sequence[Leftover]) -> Iterator[str]:
    brought = any(each.event_handlers for each in found)
    known = {str(handler.get("name")) for handler in client.event_handlers()} if brought else set()
    for each in found:
        names = ", ".join(name for name, _ in each.definitions) or "none"
        ids = ", ".join(running(client, each)) or "none"
        handlers = ", ".join(name for name in each.event_handlers if name in known) or "none"
        yield f"run {each.uid} was killed; executions: {ids}; definitions: {names}; event handlers: {handlers}"


def _of_others(client: Conductor, older_ms: int, *, is_dry: bool) -> Iterator[str]:
    """End executions of runs that nothing here knows of, once they are old enough to be sure that no run waits."""
    query = f"status IN (RUNNING,PAUSED) AND correlationId = {correlations_of('')}"
    for each in client.search(query, size=_MOST):
        id_, began = str(each["workflowId"]), str(each.get("startTime"))
        age_s = time.time() - _instant(began)
        if age_s * 1000 < older_ms:
            continue
        if not is_dry:
            try:
                client.terminate(id_, "the pytest-k1n run that started it is gone")
            except (NotFound, Conflict):
                continue
        yield f"{each.get('workflowType')} {id_}, since {began}{'' if is_dry else ': ended'}"


def _handlers_of_others(client: Conductor, older_ms: int, *, is_dry: bool) -> Iterator[str]:
    """Remove event handlers that tests have registered, once they are old enough to be sure that no test needs them."""
    for each in client.event_handlers():
        name = str(each.get("name"))
        at_s = registered_s(name)
        if at_s is None or (time.time() - at_s) * 1000 < older_ms:
            continue
        if not is_dry:
            try:
                client.remove_event_handler(name)
            except (NotFound, Conflict):
                continue
        since = datetime.fromtimestamp(at_s, UTC).isoformat()
        yield f"event handler {name}, since {since}{'' if is_dry else ': removed'}"


def _instant(text: str) -> float:
    """Read an instant of a search: seconds since 1970; now where it cannot be read, so that it is spared."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return time.time()
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()
