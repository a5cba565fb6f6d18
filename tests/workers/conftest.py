"""A small Conductor for the worker's tests: chains and forks of SIMPLE tasks, over real HTTP, with faults on demand."""

import json
import re
import threading
import time
import uuid
from collections import defaultdict
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from pytest_k1n.client import Conductor, transport_for
from pytest_k1n.core.wire import wire
from pytest_k1n.workers.ledger import InvocationLedger
from pytest_k1n.workers.registry import Handlers
from pytest_k1n.workers.settings import WorkerSettings
from pytest_k1n.workers.worker import Worker

TERMINAL = {"COMPLETED", "FAILED", "FAILED_WITH_TERMINAL_ERROR", "TIMED_OUT", "CANCELED"}


class StubConductor:
    """Executions of definitions whose stages are tasks that start together; a failed task is retried once."""

    def __init__(self):
        self.lock = threading.RLock()
        self.workflows, self.tasks, self.stages = {}, {}, {}
        self.queues = defaultdict(list)
        self.updates, self.heartbeats, self.polls = [], [], []
        self.response_timeout_s = 10
        self.faults = []
        """(pattern of `METHOD path`, what): `drop-before`, `drop-after`, `lose-task` or a status; each used once."""
        self.heartbeat_seen = threading.Event()

    # what a test asks for

    def definition(self, name, *stages):
        tasks = []
        for number, stage in enumerate(stages):
            branches = [[self.simple(ref)] for ref in stage]
            if len(stage) == 1:
                tasks += branches[0]
            else:
                tasks.append({"name": f"f{number}", "taskReferenceName": f"f{number}", "type": "FORK_JOIN",
                              "forkTasks": branches})  # fmt: skip
                tasks.append({"name": f"j{number}", "taskReferenceName": f"j{number}", "type": "JOIN",
                              "joinOn": list(stage)})  # fmt: skip
        return {"name": name, "version": 1, "tasks": tasks}

    @staticmethod
    def simple(ref):
        return {"name": ref.split("_of_")[0], "taskReferenceName": ref, "type": "SIMPLE"}

    def start(self, name, *stages, inputs=None):
        workflow_id = f"w-{uuid.uuid4().hex[:8]}"
        with self.lock:
            self.workflows[workflow_id] = {
                "workflowId": workflow_id, "workflowName": name, "status": "RUNNING", "createTime": 1, "startTime": 1,
                "input": inputs or {}, "workflowDefinition": self.definition(name, *stages),
            }  # fmt: skip
            self.stages[workflow_id] = [list(stage) for stage in stages]
            self.next_stage(workflow_id)
        return workflow_id

    def status(self, workflow_id):
        with self.lock:
            return self.workflows[workflow_id]["status"]

    def of(self, workflow_id):
        with self.lock:
            return [task for task in self.tasks.values() if task["workflowInstanceId"] == workflow_id]

    def end_task(self, task_id, status="TIMED_OUT"):
        with self.lock:
            self.tasks[task_id]["status"] = status

    def effects(self, task_id):
        return [update for update in self.updates if update["taskId"] == task_id]

    # what Conductor does

    def next_stage(self, workflow_id):
        if not self.stages[workflow_id]:
            self.workflows[workflow_id]["status"] = "COMPLETED"
            return
        for ref in self.stages[workflow_id][0]:
            self.schedule(workflow_id, ref)

    def schedule(self, workflow_id, ref, attempt=0):
        task_id = f"t-{uuid.uuid4().hex[:8]}"
        self.tasks[task_id] = {
            "taskId": task_id, "workflowInstanceId": workflow_id,
            "workflowType": self.workflows[workflow_id]["workflowName"],
            "taskType": self.simple(ref)["name"], "taskDefName": self.simple(ref)["name"], "referenceTaskName": ref,
            "status": "SCHEDULED", "seq": len(self.tasks) + 1, "retryCount": attempt, "pollCount": 0,
            "inputData": dict(self.workflows[workflow_id]["input"]), "outputData": {},
            "responseTimeoutSeconds": self.response_timeout_s, "scheduledTime": 1,
        }  # fmt: skip
        self.queues[self.tasks[task_id]["taskType"]].append(task_id)

    def poll(self, task_type, query):
        self.polls.append((task_type, query))
        polled = []
        while self.queues[task_type] and len(polled) < int(query["count"]):
            task = self.tasks[self.queues[task_type].pop(0)]
            if task["status"] == "SCHEDULED":
                task.update(status="IN_PROGRESS", pollCount=task["pollCount"] + 1, workerId=query["workerid"])
                polled.append(task)
        return polled

    def update(self, result):
        task = self.tasks.get(result["taskId"])
        if task is None:
            return 404, {"message": "No such task"}
        if task["status"] in TERMINAL:
            return 200, task["taskId"]
        if result["status"] == "IN_PROGRESS":
            if result.get("extendLease"):
                self.heartbeats.append(result)
                self.heartbeat_seen.set()
            else:
                self.updates.append(result)
                task["status"] = "SCHEDULED"
                self.queues[task["taskType"]].append(task["taskId"])
            return 200, task["taskId"]
        self.updates.append(result)
        task.update(status=result["status"], outputData=result.get("outputData", {}))
        workflow_id, ref = task["workflowInstanceId"], task["referenceTaskName"]
        if result["status"] == "COMPLETED":
            self.stages[workflow_id][0].remove(ref)
            if not self.stages[workflow_id][0]:
                self.stages[workflow_id].pop(0)
                self.next_stage(workflow_id)
        elif result["status"] == "FAILED" and task["retryCount"] == 0:
            self.schedule(workflow_id, ref, attempt=1)
        else:
            self.workflows[workflow_id]["status"] = "FAILED"
        return 200, task["taskId"]

    def answer(self, method, path, query, body):
        with self.lock:
            if path == "/api/version":
                return 200, "3.32.1"
            if found := re.fullmatch(r"/api/tasks/poll/batch/(.+)", path):
                return 200, self.poll(found[1], query)
            if (method, path) == ("POST", "/api/tasks"):
                return self.update(json.loads(body))
            if (found := re.fullmatch(r"/api/tasks/([^/]+)", path)) and found[1] in self.tasks:
                return 200, self.tasks[found[1]]
            if (found := re.fullmatch(r"/api/workflow/([^/]+)", path)) and found[1] in self.workflows:
                return 200, self.workflows[found[1]] | {"tasks": self.of(found[1])}
            return 404, {"message": f"nothing at {path}"}

    def fault(self, request):
        with self.lock:
            for index, (pattern, what) in enumerate(self.faults):
                if re.match(pattern, request):
                    del self.faults[index]
                    return what
        return None


def serve(stub):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *args):
            pass

        def do_GET(self):
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            what = stub.fault(f"{self.command} {parts.path}")
            if what == "drop-before":
                self.close_connection = True
                return
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if isinstance(what, int):
                status, document = what, {"message": "made to fail"}
            else:
                status, document = stub.answer(self.command, parts.path, query, body)
            if what == "lose-task" and document == []:
                stub.faults.append((f"GET {parts.path}$", what))  # nothing to lose yet
            elif what in ("drop-after", "lose-task"):
                self.close_connection = True
                return
            text = document if isinstance(document, str) else json.dumps(document)
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if isinstance(document, str) else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT = do_GET  # noqa: N815 - the names that http.server wants

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


@pytest.fixture
def stub():
    conductor = StubConductor()
    server = serve(conductor)
    conductor.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield conductor
    server.shutdown()
    server.server_close()
    thread.join(5)


class Working:
    """A worker on a thread of the test."""

    def __init__(self, worker, reports):
        self.worker, self.reports = worker, reports
        self.stop_order = threading.Event()
        self.thread = threading.Thread(target=worker.run, args=(self.stop_order,))

    def stop(self):
        self.stop_order.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture
def working(stub):
    """Run a worker against the stub: `with working(handlers, *definitions, grace_s=…) as it:`."""

    @contextmanager
    def run(handlers, *definitions, ledger=None, **settings):
        client = Conductor(transport_for(stub.url, environ={}), patience_s=0)
        parsed = [wire.workflow_definition(each) for each in definitions]
        options = {"worker_id": "k1n-test-1", "slow_round_ms": 50, "uncertain_round_ms": 50, "least_slow_pause_ms": 2}
        reports = []
        worker = Worker(
            client, parsed, Handlers(handlers), WorkerSettings(**(options | settings)),
            ledger=InvocationLedger(ledger) if ledger else None, report=reports.append,
        )  # fmt: skip
        it = Working(worker, reports)
        it.thread.start()
        try:
            yield it
        finally:
            it.stop()
            client.close()

    return run


@pytest.fixture
def until():
    """Wait until something holds; fails with what it waited for."""

    def wait(holds, what="the condition", within_s=10.0):
        deadline = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < deadline, f"waited {within_s:g}s in vain for {what}"
            time.sleep(0.005)

    return wait
