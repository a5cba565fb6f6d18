"""`/_k1n/clock`: what an engine that is served shows of its time, and how it is told to move it or to wait.

`GET` shows the clock and its holders. `POST` takes one of `{"advance": "2h"}` (or ms), `{"until": epoch ms}`,
`{"hold": NAME}` (with `"for": "30s"`, a minute by default), `{"release": NAME}`, `{"declares": WORKER}`: this
worker will say of each task how long it takes, so that time need not run meanwhile, and `{"go": WORKFLOW ID}`: time
goes on until that execution and all others have ended, or with `"ref": REF` until that task has been scheduled in it;
at most to `"until"`, or to the time limit of somebody who does not act. `"aside": [TASK ID]`: who asks has them in
hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pytest_k1n.core.units import duration_ms, iso_utc
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.problems import Invalid, NotAllowed, Unknown, WrongState
from pytest_k1n.engine.registry import shapes
from pytest_k1n.engine.rest.request import Reply, Waiting
from pytest_k1n.engine.runtime.clock import ManualClock, ScaledClock
from pytest_k1n.engine.serving.moves import ClockMove
from pytest_k1n.engine.serving.pacing import Pacer
from pytest_k1n.engine.serving.quiescence import HOLD_MS, Quiescence
from pytest_k1n.engine.status import TERMINAL_WORKFLOW
from pytest_k1n.engine.values import JsonObject

PREFIX: Final = "/_k1n/"
LONGEST_MOVE_MS: Final = 3660 * 24 * 3_600_000
MOVE_WAIT_MS: Final = 60_000
"""How long the answer to a move waits for its end; the move goes on."""
GO_WAIT_MS: Final = 5_000
"""The same for one that goes on by itself, which ends with it."""


class Control:
    """Answers requests about the clock of one engine."""

    def __init__(self, engine: Engine, pacer: Pacer, quiescence: Quiescence) -> None:
        self._engine = engine
        self._pacer = pacer
        self._quiescence = quiescence

    def answer(self, method: str, path: str, body: bytes | None) -> Reply | Waiting:
        """Answer one request. Raises Problem."""
        if path.rstrip("/") != f"{PREFIX}clock":
            raise Unknown(f"No static resource {path.strip('/')}.")
        if method == "GET":
            return Reply(payload=self.document())
        if method != "POST":
            raise NotAllowed(f"Request method '{method}' is not supported")
        return self._order(shapes.read_map(shapes.parse(body)))

    def document(self) -> JsonObject:
        """Describe the clock."""
        engine, clock = self._engine, self._engine.clock
        return {
            "clock": clock_name(engine),
            "rate": clock.rate if isinstance(clock, ScaledClock) else None,
            "seed": engine.seed,
            "now": engine.now_ms,
            "at": iso_utc(engine.now_ms),
            "next": engine.next_event_ms(),
            "holders": [
                {"kind": str(holder.hold), "what": holder.what, "forMs": holder.for_ms, "runs": holder.runs}
                for holder in self._pacer.holders()
            ],
            "stuck": self._pacer.stuck,
            "waiting": engine.diagnosis(),
        }

    def _order(self, order: Mapping[str, Any]) -> Reply | Waiting:
        if "go" in order:
            return self._go(order)
        verbs = [verb for verb in ("advance", "until", "hold", "release", "declares") if verb in order]
        unknown = sorted(set(order) - {*verbs, "for"})
        if len(verbs) != 1 or unknown or ("for" in order and verbs != ["hold"]):
            raise Invalid(
                'write one of {"advance": "2h"}, {"until": ms}, {"hold": name, "for": "30s"}, {"release": name}, '
                '{"declares": worker}, {"go": workflow id, "ref": ref}'
            )
        value = order[verbs[0]]
        if verbs == ["hold"]:
            self._quiescence.take_hold(_name(value), _duration("for", order["for"]) if "for" in order else HOLD_MS)
        elif verbs == ["declares"]:
            self._quiescence.expect_declarations(_name(value))
        elif verbs == ["release"]:
            if not self._quiescence.release(_name(value)):
                raise Unknown(f"no client holds the clock by the name {value}")
        else:
            return self._await(ClockMove(until_ms=self._instant(verbs[0], value)), MOVE_WAIT_MS)
        return Reply(payload=self.document())

    def _instant(self, verb: str, value: Any) -> int:
        now_ms = self._engine.now_ms
        if verb == "advance":
            return now_ms + _duration(verb, value)
        if isinstance(value, bool) or not isinstance(value, int) or not now_ms <= value <= now_ms + LONGEST_MOVE_MS:
            raise Invalid(f"until: {value!r} is no instant from now ({now_ms}) on, in epoch ms, within ten years")
        return value

    def _go(self, order: Mapping[str, Any]) -> Waiting:
        """Let time go on by itself until something is there. Raises Problem."""
        workflow_id, ref, aside = (order.get(name) for name in ("go", "ref", "aside"))
        if (
            order.keys() - {"go", "ref", "until", "aside", "for"}
            or not isinstance(ref, str | None)
            or not isinstance(aside, list | None)
            or not all(isinstance(each, str) for each in aside or ())
        ):
            raise Invalid('go: write {"go": workflow id, "ref": ref, "until": ms, "aside": [task id]}')
        engine = self._engine
        execution = engine.execution(_name(workflow_id))

        def is_reached() -> bool:
            if ref is None:
                return all(each.status in TERMINAL_WORKFLOW for each in engine.executions.values())
            return ref in execution.plain or ref in execution.latest or execution.status in TERMINAL_WORKFLOW

        return self._await(
            ClockMove(
                until_ms=self._instant("until", order["until"]) if order.get("until") is not None else None,
                is_reached=is_reached,
                aside=aside or (),
                seen={task.task_id for _, task in engine.deliverable()},
            ),
            _duration("for", order.get("for", GO_WAIT_MS)),
        )

    def _await(self, move: ClockMove, wait_ms: int) -> Waiting:
        """Begin a move, and answer when it has ended. Raises WrongState."""
        if isinstance(self._engine.clock, ScaledClock):
            raise WrongState(f"the clock is {clock_name(self._engine)}: it moves by itself; start the engine with "
                           "--clock virtual or --clock manual to move it")  # fmt: skip
        pacer = self._pacer
        pacer.move(move)

        def late() -> Reply:
            if move.goes_by_itself:
                pacer.give_up(move)
            return Reply(202, self.document())

        return Waiting(
            attempt=lambda: None if pacer.is_moving else Reply(payload={**self.document(), "arrival": pacer.arrival}),
            otherwise=late,
            timeout_ms=wait_ms,
        )


def clock_name(engine: Engine) -> str:
    """Name the kind of an engine's clock, as `--clock` takes it."""
    clock = engine.clock
    if isinstance(clock, ScaledClock):
        return "real" if clock.rate == 1.0 else "scaled"
    return "manual" if isinstance(clock, ManualClock) else "virtual"


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 100:
        raise Invalid(f"{value!r} is no name: write a text of up to 100 characters")
    return value


def _duration(verb: str, value: Any) -> int:
    if isinstance(value, str):
        try:
            value = duration_ms(value)
        except (ValueError, OverflowError) as error:
            raise Invalid(f"{verb}: {error}") from None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LONGEST_MOVE_MS:
        raise Invalid(f'{verb}: {value!r} is no duration up to ten years: write ms, or a text as in "2h"')
    return value
