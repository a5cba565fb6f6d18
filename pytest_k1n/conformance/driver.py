"""Run one case on one target, step by step, in an order that depends on the case alone.

The client acts only when the server has nothing left to do by itself (`tree.unsettled`), picks among what could be
done next by a hash of the case's seed, and lets time pass only when nothing else can be done. So two servers that
behave alike show the same history, whatever their speed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from pytest_k1n.conformance.case_tree import JOINS, CaseHistory, CaseNode, children, has_background, unsettled
from pytest_k1n.conformance.cases import PREFIX, Case, ClientStep, Document
from pytest_k1n.conformance.operations import perform
from pytest_k1n.conformance.stub import STUB, stub_of
from pytest_k1n.conformance.target import CaseTarget, ServerAnswer
from pytest_k1n.conformance.worker import ScriptedWorker

MAX_MOVES = 150
SETTLE_LIMIT_MS = 8_000
NUDGE_MS = 1_200  # a JOIN of the real server looks once a second; a decide beside it can make it lose its turn


@dataclass(slots=True, kw_only=True)
class CaseRun:
    """One case on one target; `history()` is the whole of it."""

    case: Case
    target: CaseTarget
    prefix: str
    stub: str = ""
    trace: list[Any] = field(default_factory=list)
    root: str = ""
    last: Document = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    worker: ScriptedWorker = field(init=False)

    def __post_init__(self) -> None:
        self.worker = ScriptedWorker(case=self.case, target=self.target, prefix=self.prefix, trace=self.trace)

    def history(self) -> CaseHistory:
        """Register, start, act until nothing can be done any more. Raises RuntimeError if a server misbehaves."""
        case = self.rename(self.case.document())
        if self.register(case):
            self.start(case)
        nodes: tuple[CaseNode, ...] = ()
        if self.root:
            try:
                self.act(case["steps"])
            finally:  # also where a user has interrupted it
                nodes = tuple(self.fetch())
                self.clean_up(nodes, case)
        return CaseHistory(prefix=self.prefix, trace=tuple(self.trace), nodes=nodes, stub=self.stub)

    def clean_up(self, nodes: tuple[CaseNode, ...], case: Mapping[str, Any]) -> None:
        """End what is left open, also of what steps have started: open JOINs keep a server busy, and turn its races."""
        open_ids = {node.workflow["workflowId"]: None for node in nodes if not node.is_terminal}
        bodies = [step["body"] for step in case["steps"] if isinstance(step["body"], dict)]
        for name in {each["name"]: None for each in (*case["workflows"], *bodies) if isinstance(each.get("name"), str)}:
            running = self.target.call("GET", f"/workflow/running/{quote(name, safe='')}")
            open_ids |= dict.fromkeys(running.body if running.status == 200 else ())
        for workflow_id in open_ids:
            self.target.call("DELETE", f"/workflow/{workflow_id}")

    def rename(self, document: Any) -> Any:
        return json.loads(json.dumps(document).replace(PREFIX, self.prefix).replace(STUB, self.stub))

    def register(self, case: Mapping[str, Any]) -> bool:
        """Register definitions; whether the server took all of them."""
        if case["task_definitions"]:
            answer = self.patiently("POST", "/metadata/taskdefs", case["task_definitions"])
            if answer.status != 200:
                self.note("register tasks", answer)
                return False
        answer = self.patiently("PUT", "/metadata/workflow", case["workflows"])
        if answer.status != 200 or (isinstance(answer.body, dict) and answer.body.get("bulkErrorResults")):
            self.note("register", answer)
            return False
        return True

    def patiently(self, method: str, path: str, body: Any) -> ServerAnswer:
        """Send a request again while SQLite says that another writer holds the file."""
        for _ in range(10):
            answer = self.target.call(method, path, body)
            if "SQLITE_BUSY" not in str(answer.body):
                break
            self.target.wait_until(self.target.now_ms() + 50)
        return answer

    def start(self, case: Mapping[str, Any]) -> None:
        request = {"name": case["workflows"][0]["name"], "version": 1, "input": case["input"], **case["start"]}
        answer = self.target.call("POST", "/workflow", request)
        if answer.status != 200 or not isinstance(answer.body, str):
            self.note("start", answer)
            return
        self.root = answer.body

    def act(self, steps: list[Mapping[str, Any]]) -> None:
        """Take worker moves and client steps until neither is left."""
        pending = [ClientStep(**step) for step in steps]
        while self.worker.moves < MAX_MOVES:
            nodes = self.settle()
            timely = next((step for step in pending if 0 <= step.after <= self.worker.moves), None)
            if timely is not None:
                pending.remove(timely)
                self.step(timely, nodes)
            elif not self.worker.move(nodes, self.given_up):
                if not pending:
                    return
                self.step(pending.pop(0), nodes)
        self.trace.append("too many moves")

    # -- what the server shows

    def fetch(self) -> list[CaseNode]:
        nodes: list[CaseNode] = []
        known: set[str] = set()
        waiting = [("root", self.root)]
        while waiting:
            path, workflow_id = waiting.pop(0)
            if workflow_id in known:
                continue
            known.add(workflow_id)
            answer = self.target.call("GET", f"/workflow/{workflow_id}")
            if answer.status == 200:
                nodes.append(CaseNode(path, answer.body))
                waiting += children(nodes[-1])
        return nodes

    def settle(self) -> list[CaseNode]:
        """Wait until the server has nothing to do by itself; nudge it with `decide` when it takes long."""
        began = self.target.now_ms()
        pause_ms, nudged = 500 if self.target.is_immediate else 5, 0
        seen: list[tuple[str, str, int]] = []
        while True:
            nodes = self.fetch()
            now = self.target.now_ms()
            by_id = {node.workflow["workflowId"]: node for node in nodes}
            reasons = {node.path: unsettled(node, by_id, now) for node in nodes}
            busy = {f"{path}: {why}" for path, why in reasons.items() if why}
            if not busy - self.given_up:
                shown = [(node.path, node.workflow["status"], len(node.tasks)) for node in nodes]
                if self.target.is_immediate or seen == shown or not any(has_background(node) for node in nodes):
                    return nodes
                seen = shown  # GET is not atomic on the real server: look twice while threads of its own are at work
            if now - began > SETTLE_LIMIT_MS:
                self.trace += sorted(f"stalled: {why}" for why in busy - self.given_up)
                self.given_up |= busy
                return nodes
            if now - began > NUDGE_MS * 2**nudged:
                nudged += 1
                for node in nodes:
                    why = reasons[node.path] or ""
                    if why and not why.endswith(JOINS) and not node.is_terminal:
                        self.target.call("PUT", f"/workflow/decide/{node.workflow['workflowId']}")
            self.target.wait_until(self.target.now_ms() + pause_ms)
            pause_ms = max(pause_ms, min(160, pause_ms * 2))

    # -- what a client does

    def step(self, step: ClientStep, nodes: list[CaseNode]) -> None:
        self.last = nodes[0].workflow if nodes else self.last  # nothing is left of a removed execution
        answer = perform(self.target, step, self.last, {node.workflow["workflowId"]: node.workflow for node in nodes})
        self.given_up.clear()
        self.note(f"step {step.operation}" + (f" {step.ref}" if step.ref else ""), answer)

    def note(self, what: str, answer: ServerAnswer) -> None:
        self.trace.append({"do": what, "status": answer.status, "body": answer.body})


class DisturbedError(RuntimeError):
    """The server could not do its work for a reason of its own (SQLite locked by another writer)."""


def run(case: Case, target: CaseTarget, prefix: str) -> CaseHistory:
    """Run a case on a target, again if the server itself was disturbed; `prefix` must be new to that server.

    A case that stalls (the server should go on by itself and does not) three times behaves so.
    """
    stalls = 0
    for attempt in range(6):
        try:
            with stub_of(case) as stub:
                history = CaseRun(case=case, target=target, prefix=f"{prefix}{attempt}_", stub=stub).history()
        except ConnectionRefusedError:
            raise  # there is no server any more
        except OSError:  # a request that a locked database let nobody answer within the transport's patience
            continue
        stalled = any(str(entry).startswith("stalled") for entry in history.trace)
        stalls += stalled
        if not disturbed(history) and (not stalled or stalls == 3):
            return history
    raise DisturbedError(f"{case.name}: six runs on {target.name} met a locked database, a silent server or stalled")


def disturbed(history: CaseHistory) -> bool:
    """Whether a locked database shows in a history."""
    if any("SQLITE_BUSY" in str(entry) for entry in history.trace):
        return True
    reasons = (str(node.workflow.get("reasonForIncompletion")) for node in history.nodes)
    return any("Error scheduling tasks" in reason for reason in reasons)
