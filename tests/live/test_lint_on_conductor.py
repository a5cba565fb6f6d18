"""What lint says of the server is what a real one does: it refuses, fails or hangs where there is an error."""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import Any

import pytest
import requests

from k1n_support.lint_examples import EXAMPLES, Definition
from pytest_k1n.lint.judge import lint
from pytest_k1n.lint.source_file import DefinitionKind, SourceFile, definitions
from pytest_k1n.lint.table import BY_CODE

pytestmark = pytest.mark.live

ACCEPTED = frozenset({
    "fork-without-join", "empty-branch", "join-on-unknown", "join-on-case", "join-across-loop", "loop-in-loop",
    "expression-in-condition", "reserved-in-loop", "unknown-evaluator", "missing-input", "script-syntax",
    "script-outside-input", "no-child", "bad-request", "wrong-input",
})  # fmt: skip
"""Errors that the server registers, and that then fail or hang."""
SEIZES = "reserved-in-loop"
"""One evaluation of it never ends: it schedules tasks by the thousand, and holds the lock that a termination needs."""
PATIENCE_S = 4
_numbers = itertools.count()


class Server:
    """A client that does all work at once, and looks for what an execution has come to."""

    def __init__(self, url: str) -> None:
        self.api = f"{url.rstrip('/').removesuffix('/api')}/api"
        self.session = requests.Session()

    def accepts(self, document: Any) -> bool:
        return self.session.post(f"{self.api}/metadata/workflow/validate", json=document).status_code == 200

    def outcome(self, document: Definition, given: Definition) -> str:
        """Register and start a definition, complete its tasks; return how it ended, RUNNING if it hangs."""
        named = {**document, "name": f"lint_live_{os.getpid()}_{next(_numbers)}"}
        answer = self.session.put(f"{self.api}/metadata/workflow", json=[named])
        if answer.status_code != 200 or answer.json()["bulkErrorResults"]:
            return "refused"
        try:
            return self._run(named["name"], given)
        finally:
            self.session.delete(f"{self.api}/metadata/workflow/{named['name']}/1")

    def _run(self, name: str, given: Definition) -> str:
        started = self.session.post(f"{self.api}/workflow/{name}", json=given)
        if started.status_code != 200:
            return "refused"
        url, done = f"{self.api}/workflow/{started.text}", set()
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            execution = self.session.get(url).json()
            if execution["status"] != "RUNNING":
                return str(execution["status"])
            for task in execution["tasks"]:
                if (
                    task["status"] == "SCHEDULED"
                    and task["taskId"] not in done
                    and task["taskType"].startswith("lint_")
                ):
                    done.add(task["taskId"])
                    result = {"workflowInstanceId": started.text, "taskId": task["taskId"], "status": "COMPLETED"}
                    self.session.post(f"{self.api}/tasks", json={**result, "outputData": {"x": 1}})
            self.session.put(f"{self.api}/workflow/decide/{started.text}")
            time.sleep(0.05)
        self.session.delete(url)
        return "RUNNING"


@pytest.fixture(scope="module")
def server(live_server) -> Server:
    return Server(live_server.url)


def workflows() -> Any:
    for code, both in EXAMPLES.items():
        for document in (each for each in (*both.bad, *both.good) if not isinstance(each, str)):
            for found in definitions(document):
                if found.kind is DefinitionKind.WORKFLOW:
                    yield code, found.fields


def errors(document: Any) -> set[str]:
    found = lint([SourceFile("w.json", json.dumps(document))]).findings
    return {each.code for each in found if each.level == "error"}


def test_lint_calls_nothing_good_that_the_server_refuses(server):
    missed = [document for _, document in workflows() if not errors(document) and not server.accepts(document)]
    assert missed == []


def test_the_server_refuses_what_is_said_to_be_refused(server):
    """In a loop, and in an HTTP task with a method and no address, it does not look: such tasks fail when they run."""
    taken = {
        json.dumps(document)
        for code, document in workflows()
        if errors(document) - ACCEPTED - {"recursion"} and server.accepts(document)
    }
    unseen = {each for each in taken if '"DO_WHILE"' in each or '"HTTP"' in each}
    assert taken == unseen


@pytest.mark.parametrize("code", sorted(ACCEPTED - {SEIZES}))
def test_what_the_server_accepts_and_lint_calls_an_error_never_completes(server, code):
    document = EXAMPLES[code].bad[0]
    case = "elsewhere" if code == "join-on-case" else "x"  # there it hangs if the case is not taken
    assert server.outcome(document, {"k": case, "n": 1}) != "COMPLETED"


@pytest.mark.long
def test_a_reserved_name_in_a_loop_seizes_the_server_until_it_is_killed(mortal_server):
    assert Server(mortal_server.endpoint.url).outcome(EXAMPLES[SEIZES].bad[0], {"k": "x", "n": 1}) != "COMPLETED"


def test_what_is_tried_as_an_error_is_one_in_the_table():
    errors_of_table = {code for code, check in BY_CODE.items() if check.level == "error"}
    assert errors_of_table >= ACCEPTED


@pytest.mark.parametrize("code", ["join-on-nothing", "branch-not-joined", "reserved-suffix", "unknown-field"])
def test_a_warning_runs_to_its_end(server, code):
    assert server.outcome(EXAMPLES[code].bad[0], {"k": "x"}) == "COMPLETED"


@pytest.mark.parametrize(("code", "nth"), [("unknown-in-script", 0), ("unknown-in-condition", -2)])
def test_a_script_that_reads_a_field_of_what_it_is_not_given_fails(server, code, nth):
    assert server.outcome(EXAMPLES[code].bad[nth], {}) == "FAILED"
