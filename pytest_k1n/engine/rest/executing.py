"""POST /workflow/execute/{name}/{version}: start an execution and wait for what comes of it."""

from __future__ import annotations

from pytest_k1n.engine.ids import seeded_id
from pytest_k1n.engine.rest.blocking import Answer, return_strategy
from pytest_k1n.engine.rest.request import Reply, Request, Route, Waiting
from pytest_k1n.engine.rest.workflows import started

WAIT_S = 10
"""Where nothing is asked for, or 0; less than 0 does not wait."""
LONGEST_WAIT_S = 3600


def _execute(request: Request) -> Reply | Waiting:
    version = request.number("version", 0, of=request.names)
    strategy = return_strategy(request)
    wait_s = request.number("waitForSeconds") or WAIT_S
    execution = started(request, named=request.names["name"], version=version or None, marks_inline=True)
    answer = Answer(
        target=execution,
        strategy=strategy,
        request_id=request.text("requestId") or seeded_id(request.engine.seed, f"request/{execution.workflow_id}"),
        refs=frozenset(ref.strip() for ref in (request.text("waitUntilTaskRef") or "").split(",")),
    )
    return answer.within(request.engine, min(wait_s, LONGEST_WAIT_S) * 1000)


ROUTES = (Route("POST", "/workflow/execute/{name}/{version}", _execute),)
