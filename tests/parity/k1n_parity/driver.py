"""Run one case on one target, step by step, in an order that depends on the case alone.

The client acts only when the server has nothing left to do by itself (`tree.unsettled`), picks among what could be
done next by a hash of the case's seed, and lets time pass only when nothing else can be done. So two servers that
behave alike show the same history, whatever their speed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from k1n_parity.cases import PREFIX, Action, Case, Document, Step
from k1n_parity.operations import perform
from k1n_parity.targets import Answer, Target
from k1n_parity.tree import (
    ASYNCHRONOUS,
    EXTERNAL,
    JOINS,
    Node,
    children,
    deadline_ms,
    due_ms,
    has_background,
    is_worker_task,
    key_of,
    unsettled,
    wait_due_ms,
)

MAX_MOVES = 150
SETTLE_LIMIT_MS = 8_000
NUDGE_MS = 1_200  # a JOIN of the real server looks once a second; a decide beside it can make it lose its turn
DELIVERY_LIMIT_MS = 4_000
MARGIN_MS = 40
PATIENCE_MS = 8_000  # a longer delay (the 60 s of an unregistered definition) ends the case as it stands
WORKER = "parity"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What happened: the client's own actions with their answers, and every execution as GET answered it."""

    prefix: str
    trace: tuple[Any, ...]
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Something a worker could do now with one task."""

    kind: str
    node: Node
    task: Document

    def name(self) -> str:
        return f"{self.node.path}/{key_of(self.task)}"


@dataclass(slots=True, kw_only=True)
class Run:
    """One case on one target; `history()` is the whole of it."""

    case: Case
    target: Target
    prefix: str
    trace: list[Any] = field(default_factory=list)
    root: str = ""
    taken: Counter[str] = field(default_factory=Counter)
    moves: int = 0
    last: Document = field(default_factory=dict)
    answers: dict[str, Action] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    waited: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)

    def history(self) -> History:
        """Register, start, act until nothing can be done any more. Raises RuntimeError if a server misbehaves."""
        case = self.rename(self.case.document())
        if self.register(case):
            self.start(case)
        nodes: tuple[Node, ...] = ()
        if self.root:
            self.act(case["steps"])
            nodes = tuple(self.fetch())
        return History(prefix=self.prefix, trace=tuple(self.trace), nodes=nodes)

    def rename(self, document: Any) -> Any:
        return json.loads(json.dumps(document).replace(PREFIX, self.prefix))

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

    def patiently(self, method: str, path: str, body: Any) -> Answer:
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
        pending = [Step(**step) for step in steps]
        while self.moves < MAX_MOVES:
            nodes = self.settle()
            timely = next((step for step in pending if 0 <= step.after <= self.moves), None)
            if timely is not None:
                pending.remove(timely)
                self.step(timely, nodes)
            elif not self.move(nodes):
                if not pending:
                    return
                self.step(pending.pop(0), nodes)
        self.trace.append("too many moves")

    # -- what the server shows

    def fetch(self) -> list[Node]:
        nodes: list[Node] = []
        known: set[str] = set()
        waiting = [("root", self.root)]
        while waiting:
            path, workflow_id = waiting.pop(0)
            if workflow_id in known:
                continue
            known.add(workflow_id)
            answer = self.target.call("GET", f"/workflow/{workflow_id}")
            if answer.status == 200:
                nodes.append(Node(path, answer.body))
                waiting += children(nodes[-1])
        return nodes

    def settle(self) -> list[Node]:
        """Wait until the server has nothing to do by itself; nudge it with `decide` when it takes long."""
        began = self.target.now_ms()
        pause_ms, nudged = 5, 0
        seen: list[tuple[str, str, int]] = []
        while True:
            nodes = self.fetch()
            now = self.target.now_ms()
            by_id = {node.workflow["workflowId"]: node for node in nodes}
            reasons = {node.path: unsettled(node, by_id, now) for node in nodes}
            busy = {f"{path}: {why}" for path, why in reasons.items() if why}
            if not busy - self.given_up:
                shown = [(node.path, node.workflow["status"], len(node.tasks)) for node in nodes]
                if seen == shown or not any(has_background(node) for node in nodes):
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
            pause_ms = min(160, pause_ms * 2)

    # -- what workers do

    def move(self, nodes: list[Node]) -> bool:
        """Do one thing a worker could do; else let time pass; else let a timeout come. False: nothing is left."""
        ready, due, last = self.possible(nodes)
        if ready:
            self.take(min(ready, key=self.rank))
        elif due and max(due.values()) - self.target.now_ms() < PATIENCE_MS:
            self.waited.update(due)
            self.target.wait_until(max(due.values()) + MARGIN_MS)
            return True
        elif last:
            self.outwait(min(last, key=self.rank))
        else:
            return False
        self.moves += 1
        return True

    def possible(self, nodes: list[Node]) -> tuple[list[Move], dict[str, int], list[Move]]:
        """Sort what is open into moves to take now, instants to wait for, and tasks to leave until they time out.

        A delayed task counts as delayed until it was waited for, also where a slow server let the delay pass.
        """
        now = self.target.now_ms()
        ready: list[Move] = []
        due: dict[str, int] = {}
        last: list[Move] = []
        for node in nodes:
            if node.is_terminal:
                continue
            for task in node.tasks:
                if task["status"] not in ("SCHEDULED", "IN_PROGRESS"):
                    continue
                silent = self.next_action(task).kind in ("hang", "ignore") and task["taskId"] not in self.late
                if is_worker_task(task) and task["status"] == "SCHEDULED":
                    delivery = f"{task['taskId']} {task.get('pollCount', 0)}"
                    if due_ms(task) > now or (task.get("callbackAfterSeconds") and delivery not in self.waited):
                        due[delivery] = due_ms(task)
                    else:
                        (last if silent else ready).append(Move(kind="poll", node=node, task=task))
                elif is_worker_task(task):
                    ready.append(Move(kind="update", node=node, task=task))
                elif task["taskType"] in EXTERNAL and task["status"] == "IN_PROGRESS":
                    instant = wait_due_ms(task) if task["taskType"] == "WAIT" else None
                    if instant is not None:
                        if f"{node.path}: {key_of(task)} is over" not in self.given_up:
                            due[task["taskId"]] = instant
                    elif not silent:
                        ready.append(Move(kind="update", node=node, task=task))
                elif task["taskType"] in ASYNCHRONOUS and task["status"] == "SCHEDULED" and due_ms(task) > now:
                    due[task["taskId"]] = due_ms(task)
        return ready, due, last

    def rank(self, move: Move) -> str:
        text = f"{self.case.seed} {move.kind} {move.name()}".replace(self.prefix, PREFIX)
        urgent = "0" if (move.task.get("taskDefinition") or {}).get("pollTimeoutSeconds") else "1"
        return urgent + hashlib.sha256(text.encode()).hexdigest()

    def take(self, move: Move) -> None:
        task = move.task
        if move.kind == "poll":
            delivered = self.poll(move)
            if delivered is None:
                return
            self.answers[delivered["taskId"]] = self.consume(delivered)
            if self.is_hurried(delivered):
                self.update(delivered)
        else:
            if task["taskId"] not in self.answers:
                self.answers[task["taskId"]] = self.consume(task)
            self.update(task)

    def is_hurried(self, task: Mapping[str, Any]) -> bool:
        """Whether a timeout could strike while the task is held: then it is answered at once."""
        definition = task.get("taskDefinition") or {}
        return any(0 < definition.get(key, 0) < 60 for key in ("timeoutSeconds", "responseTimeoutSeconds"))

    def poll(self, move: Move) -> Document | None:
        """Poll the task's type until the server hands one over."""
        until = self.target.now_ms() + DELIVERY_LIMIT_MS
        query = {"workerid": WORKER, "count": 1, "timeout": 0}
        if move.task.get("domain"):
            query["domain"] = move.task["domain"]
        while self.target.now_ms() < until:
            answer = self.target.call("GET", f"/tasks/poll/batch/{move.task['taskType']}", query=query)
            if answer.status == 200 and answer.body:
                delivered: Document = answer.body[0]
                self.trace.append(f"poll {move.node.path}/{key_of(delivered)}")
                return delivered
            self.target.wait_until(self.target.now_ms() + 10)
        self.trace.append(f"not delivered: {move.name()}")
        return None

    def update(self, task: Mapping[str, Any]) -> None:
        action = self.answers[task["taskId"]]
        body: Document = {
            "workflowInstanceId": task["workflowInstanceId"],
            "taskId": task["taskId"],
            "status": "IN_PROGRESS" if action.kind == "callback" else action.status,
            "outputData": dict(action.output),
            "workerId": WORKER,
        }
        if action.reason is not None:
            body["reasonForIncompletion"] = action.reason
        if action.kind == "callback":
            body["callbackAfterSeconds"] = action.seconds
        answer = self.target.call("POST", "/tasks", body)
        self.trace.append(f"update {key_of(task)} {body['status']} {answer.status}")

    def outwait(self, move: Move) -> None:
        """Leave a task alone (`ignore`) or in hand (`hang`) until its first timeout is due, then have it noticed."""
        task, workflow = move.task, move.node.workflow
        if self.next_action(task).kind == "hang":
            delivered = self.poll(move)
            if delivered is None:
                return
            task = delivered
            self.answers[task["taskId"]] = self.consume(task)
        else:
            self.consume(task)
        self.late.add(task["taskId"])
        due = deadline_ms(task, workflow)
        self.trace.append(f"outwait {move.name()}")
        if due is not None:
            self.target.wait_until(due + MARGIN_MS)
            self.target.call("PUT", f"/workflow/decide/{workflow['workflowId']}")

    def next_action(self, task: Mapping[str, Any]) -> Action:
        ref = plain_ref(task)
        actions = self.case.script.get(ref, ())
        index = self.taken[ref]
        return actions[index] if index < len(actions) else self.default(task)

    def consume(self, task: Mapping[str, Any]) -> Action:
        action = self.next_action(task)
        self.taken[plain_ref(task)] += 1
        return action

    def default(self, task: Mapping[str, Any]) -> Action:
        return Action(output={"from": key_of(task), "n": task.get("iteration", 0)})

    # -- what a client does

    def step(self, step: Step, nodes: list[Node]) -> None:
        self.last = nodes[0].workflow if nodes else self.last  # nothing is left of a removed execution
        answer = perform(self.target, step, self.last)
        self.given_up.clear()
        self.note(f"step {step.operation}" + (f" {step.ref}" if step.ref else ""), answer)

    def note(self, what: str, answer: Answer) -> None:
        self.trace.append({"do": what, "status": answer.status, "body": answer.body})


def plain_ref(task: Mapping[str, Any]) -> str:
    """Strip the iteration suffixes from a record's reference name."""
    ref: str = task["referenceTaskName"]
    return ref.partition("__")[0]


class DisturbedError(RuntimeError):
    """The server could not do its work for a reason of its own (SQLite locked by another writer)."""


def run(case: Case, target: Target, prefix: str) -> History:
    """Run a case on a target, again if the server itself was disturbed; `prefix` must be new to that server.

    A case that stalls (the server should go on by itself and does not) three times behaves so.
    """
    stalls = 0
    for attempt in range(6):
        history = Run(case=case, target=target, prefix=f"{prefix}{attempt}_").history()
        stalled = any(str(entry).startswith("stalled") for entry in history.trace)
        stalls += stalled
        if not disturbed(history) and (not stalled or stalls == 3):
            return history
    raise DisturbedError(f"{case.name}: six runs on {target.name} met a locked database or stalled")


def disturbed(history: History) -> bool:
    """Whether a locked database shows in a history."""
    if any("SQLITE_BUSY" in str(entry) for entry in history.trace):
        return True
    reasons = (str(node.workflow.get("reasonForIncompletion")) for node in history.nodes)
    return any("Error scheduling tasks" in reason for reason in reasons)
