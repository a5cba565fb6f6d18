"""A worker that does what a case's script says, one deterministic move at a time."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_k1n.conformance.case_tree import (
    ASYNCHRONOUS,
    EXTERNAL,
    CaseNode,
    deadline_ms,
    due_ms,
    is_worker_task,
    key_of,
    wait_due_ms,
)
from pytest_k1n.conformance.cases import PREFIX, Action, Case, Document
from pytest_k1n.conformance.target import CaseTarget

DELIVERY_LIMIT_MS = 4_000
MARGIN_MS = 40
PATIENCE_MS = 8_000  # a longer delay (the 60 s of an unregistered definition) ends the case as it stands
WORKER = "parity"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerMove:
    """Something a worker could do now with one task."""

    kind: str
    node: CaseNode
    task: Document

    def name(self) -> str:
        return f"{self.node.path}/{key_of(self.task)}"


@dataclass(slots=True, kw_only=True)
class ScriptedWorker:
    """Polls and updates by the case's script; tells `trace` what it did."""

    case: Case
    target: CaseTarget
    prefix: str
    trace: list[Any]
    moves: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Action] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    waited: set[str] = field(default_factory=set)

    def move(self, nodes: list[CaseNode], given_up: set[str]) -> bool:
        """Do one thing a worker could do; else let time pass; else let a timeout come. False: nothing is left."""
        ready, due, last = self.possible(nodes, given_up)
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

    def possible(
        self, nodes: list[CaseNode], given_up: set[str]
    ) -> tuple[list[WorkerMove], dict[str, int], list[WorkerMove]]:
        """Sort what is open into moves to take now, instants to wait for, and tasks to leave until they time out.

        A delayed task counts as delayed until it was waited for, also where a slow server let the delay pass.
        """
        now = self.target.now_ms()
        ready: list[WorkerMove] = []
        due: dict[str, int] = {}
        last: list[WorkerMove] = []
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
                        (last if silent else ready).append(WorkerMove(kind="poll", node=node, task=task))
                elif is_worker_task(task):
                    ready.append(WorkerMove(kind="update", node=node, task=task))
                elif task["taskType"] in EXTERNAL and task["status"] == "IN_PROGRESS":
                    instant = wait_due_ms(task) if task["taskType"] == "WAIT" else None
                    if instant is not None:
                        if f"{node.path}: {key_of(task)} is over" not in given_up:
                            due[task["taskId"]] = instant
                    elif not silent:
                        ready.append(WorkerMove(kind="update", node=node, task=task))
                elif task["taskType"] in ASYNCHRONOUS and task["status"] == "SCHEDULED" and due_ms(task) > now:
                    due[task["taskId"]] = due_ms(task)
        return ready, due, last

    def rank(self, move: WorkerMove) -> str:
        text = f"{self.case.seed} {move.kind} {move.name()}".replace(self.prefix, PREFIX)
        urgent = "0" if (move.task.get("taskDefinition") or {}).get("pollTimeoutSeconds") else "1"
        return urgent + hashlib.sha256(text.encode()).hexdigest()

    def take(self, move: WorkerMove) -> None:
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

    def poll(self, move: WorkerMove) -> Document | None:
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

    def outwait(self, move: WorkerMove) -> None:
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


def plain_ref(task: Mapping[str, Any]) -> str:
    """Strip the iteration suffixes from a record's reference name."""
    ref: str = task["referenceTaskName"]
    return ref.partition("__")[0]
