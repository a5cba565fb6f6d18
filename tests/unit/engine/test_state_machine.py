"""Any sequence of what clients and operators do keeps the engine's promises: order, at most once, terminal is final."""

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from k1n_support.examples import share
from pytest_k1n.core.consistency.ordering import ordering
from pytest_k1n.core.order.unroll import happens_before
from pytest_k1n.core.wire import wire
from pytest_k1n.engine.engine import Engine
from pytest_k1n.engine.rest.router import Routes

OPEN = ("SCHEDULED", "IN_PROGRESS")


def simple(ref, **fields):
    return {"name": "t", "taskReferenceName": ref, "type": "SIMPLE", **fields}


TASKS = [
    simple("a"),
    {
        "name": "f", "taskReferenceName": "f", "type": "FORK_JOIN",
        "forkTasks": [[simple("b")], [simple("c", optional=True)]],
    },
    {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["b", "c"]},
    {
        "name": "l", "taskReferenceName": "l", "type": "DO_WHILE", "loopCondition": "true",
        "items": "${workflow.input.items}", "loopOver": [simple("d")],
    },
    simple("e"),
]  # fmt: skip


class Clients(RuleBasedStateMachine):
    executions = Bundle("executions")
    deliveries = Bundle("deliveries")

    @initialize(seed=st.integers(0, 99))
    def begin(self, seed):
        self.engine = Engine(seed=seed)
        self.routes = Routes(self.engine)
        self.known = {}
        self.delivered = set()
        self.reopened = set()
        self.rerun_once = set()
        definition = {"name": "t", "retryCount": 1, "retryDelaySeconds": 1, "responseTimeoutSeconds": 5}
        assert self.ask("POST", "/metadata/taskdefs", [definition])[0] == 200
        assert self.ask("PUT", "/metadata/workflow", [{"name": "w", "tasks": TASKS}])[0] == 200

    def ask(self, method, path, body=None):
        reply = self.routes.handle(method, path, {}, None if body is None else json.dumps(body).encode())
        assert reply.status in (200, 204, 400, 404, 409, 500), reply
        return reply.status, reply.payload

    @rule(target=executions)
    def start(self):
        return self.ask("POST", "/workflow", {"name": "w", "input": {"items": [1, 2]}})[1]

    @rule(target=deliveries)
    def poll(self):
        _, tasks = self.ask("GET", "/tasks/poll/batch/t")
        for task in tasks:
            delivery = (task["workflowInstanceId"], task["taskId"], task["pollCount"])
            assert delivery not in self.delivered, "delivered twice"
            self.delivered.add(delivery)
        return multiple(*((task["workflowInstanceId"], task["taskId"]) for task in tasks))

    @rule(task=consumes(deliveries), status=st.sampled_from(["COMPLETED", "COMPLETED", "FAILED", "IN_PROGRESS"]))
    def update(self, task, status):
        workflow_id, task_id = task
        result = {"workflowInstanceId": workflow_id, "taskId": task_id, "status": status, "callbackAfterSeconds": 2}
        self.ask("POST", "/tasks", result)

    @rule(milliseconds=st.sampled_from([1, 999, 5000, 60_000]))
    def advance(self, milliseconds):
        self.engine.advance(milliseconds)

    @rule(
        workflow_id=executions,
        operation=st.sampled_from(
            [("PUT", "pause"), ("PUT", "resume"), ("PUT", "skiptask/e"), ("POST", "retry"), ("POST", "restart")]
        ),
    )
    def operate(self, workflow_id, operation):
        method, name = operation
        status, _ = self.ask(method, f"/workflow/{workflow_id}/{name}")
        if status in (200, 204) and name in ("retry", "restart"):
            self.reopened.add(workflow_id)

    @rule(workflow_id=executions)
    def terminate(self, workflow_id):
        self.ask("DELETE", f"/workflow/{workflow_id}")

    @rule(workflow_id=executions, data=st.data())
    def rerun(self, workflow_id, data):
        tasks = self.ask("GET", f"/workflow/{workflow_id}")[1]["tasks"]
        chosen = data.draw(st.sampled_from([None, *(task["taskId"] for task in tasks)]))
        status, _ = self.ask("POST", f"/workflow/{workflow_id}/rerun", {"reRunFromTaskId": chosen})
        if status == 200:  # under their old ids tasks may be delivered again, in an order the operator chose
            self.reopened.add(workflow_id)
            self.rerun_once.add(workflow_id)
            self.delivered -= {delivery for delivery in self.delivered if delivery[0] == workflow_id}

    @invariant()
    def promises_are_kept(self):
        for workflow_id, execution in self.engine.executions.items() if hasattr(self, "engine") else ():
            document = self.ask("GET", f"/workflow/{workflow_id}")[1]
            known, self.known[workflow_id] = self.known.get(workflow_id), document
            assert {task.task_id for task in execution.live if task.status in OPEN} == {
                task["taskId"] for task in document["tasks"] if task["status"] in OPEN and not task["retried"]
            }  # an earlier attempt that a rerun has opened again is delivered, but decides nothing
            if document != known:
                if known and workflow_id not in self.reopened:
                    self.is_final(known, document)
                self.is_in_order(document)
        self.reopened.clear()

    def is_final(self, before, now):
        if before["status"] not in ("RUNNING", "PAUSED"):
            assert now["status"] == "TERMINATED", "terminal is final"
            assert before["status"] in ("FAILED", "TIMED_OUT"), "terminal is final"

    def is_in_order(self, document):
        tasks = document["tasks"]
        assert len({task["taskId"] for task in tasks}) == len(tasks)
        assert len({(task["referenceTaskName"], task["retryCount"]) for task in tasks}) == len(tasks), "once each"
        if document["status"] not in ("RUNNING", "PAUSED"):
            assert not [task for task in tasks if task["status"] in OPEN], "nothing is open at the end"
        if document["workflowId"] not in self.rerun_once:
            history = wire.execution(document)
            assert ordering(history, happens_before(history.definition, history)).findings == ()


Clients.TestCase.settings = settings(share(0.4), stateful_step_count=30)
TestClients = Clients.TestCase
