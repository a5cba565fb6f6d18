"""The worker's pure parts: scripts' output, faults, the choice of a handler, the ledger, what the tracker knows."""

import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_k1n.core.model import Execution, TaskRecord, TaskStatus, WorkflowDefinition, WorkflowStatus, WorkflowTask
from pytest_k1n.workers.handler import NamedHandler, Outcome, Step, Stopped, TaskContext, TaskFailed, invoke
from pytest_k1n.workers.ledger import Ledger, read_ledger
from pytest_k1n.workers.misbehaviour import BadFault, Fault, fault_of
from pytest_k1n.workers.registry import BadHandler, Handlers, handler_from
from pytest_k1n.workers.script import BadScript, find_scripts, read_result, run_script, step_timings
from pytest_k1n.workers.simulated import SIMULATED
from pytest_k1n.workers.tracker import Tracker


def context(**changes):
    lines, callbacks = [], []
    values = {
        "workflow_id": "w-1", "workflow_name": "W", "ref": "task_1", "iteration": 0, "task_id": "t-1",
        "task_type": "task_1", "attempt": 0, "input": {"project": "k1n"}, "estimate_ms": 1000,
        "speed": 600.0, "seed": 0,
        "log": lines.append, "sleep": lambda ms: None, "on_stop": callbacks.append,
    }  # fmt: skip
    made = TaskContext(**(values | changes))
    return made, lines, callbacks


# Results of handlers


@pytest.mark.parametrize(
    ("result", "output"),
    [(None, {}), ({"a": 1}, {"a": 1}), (7, {"result": 7}), (Outcome(output={"b": 2}), {"b": 2})],
)
def test_whatever_a_handler_returns_becomes_an_output(result, output):
    outcome = invoke(lambda _: result, context()[0])
    assert (outcome.status, dict(outcome.output)) == ("COMPLETED", output)


def test_an_output_that_is_not_json_fails_the_task():
    outcome = invoke(lambda _: {"when": object()}, context()[0])
    assert outcome.status == "FAILED"
    assert "not JSON" in outcome.reason


def test_a_handler_can_rule_out_a_retry():
    def fail(_):
        raise TaskFailed("bad card", terminal=True)

    outcome = invoke(fail, context()[0])
    assert (outcome.status, outcome.reason) == ("FAILED_WITH_TERMINAL_ERROR", "bad card")


def test_an_order_to_stop_is_no_failure():
    def stop(_):
        raise Stopped

    with pytest.raises(Stopped):
        invoke(stop, context()[0])


def test_simulated_work_sleeps_its_estimate_shortened_by_the_speed():
    slept = []
    made, lines, _ = context(estimate_ms=390_000, speed=600.0, sleep=slept.append)
    outcome = invoke(SIMULATED.call, made)
    assert outcome.simulated
    assert len(lines) == 1
    assert 643 <= slept[0] <= 657


# Scripts


@pytest.fixture
def agents(tmp_path):
    folder = tmp_path / "agents"
    folder.mkdir()

    def script(name, body, mode=0o755):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(mode)
        return path

    return folder, script


def test_scripts_are_found_by_the_number_of_their_task(agents):
    folder, script = agents
    script("task-1-security-handler.sh", "exit 0")
    script("task-12-handler.sh", "exit 0")
    script("notes.sh", "exit 0")
    script("task-x-handler.sh", "exit 0")
    assert {task: handler.name for task, handler in find_scripts(folder).items()} == {
        "task_1": "script:task-1-security-handler.sh",
        "task_12": "script:task-12-handler.sh",
    }


def test_two_scripts_of_one_task_are_refused(agents):
    folder, script = agents
    script("task-1-a-handler.sh", "exit 0")
    script("task-1-handler.sh", "exit 0")
    with pytest.raises(BadScript, match="task_1 has two handler scripts"):
        find_scripts(folder)


def test_a_script_that_cannot_be_executed_is_refused_with_the_remedy(agents):
    folder, script = agents
    script("task-1-handler.sh", "exit 0", mode=0o644)
    if os.geteuid() == 0 and os.access(folder / "task-1-handler.sh", os.X_OK):
        pytest.fail("root may execute a file without x here: the check proves nothing")
    with pytest.raises(BadScript, match=r"chmod \+x"):
        find_scripts(folder)


def test_a_link_that_leads_out_of_the_folder_is_refused(agents, tmp_path):
    folder, _ = agents
    outside = tmp_path / "outside.sh"
    outside.write_text("#!/bin/sh\n")
    outside.chmod(0o755)
    (folder / "task-1-handler.sh").symlink_to(outside)
    with pytest.raises(BadScript, match="must lie in"):
        find_scripts(folder)


@pytest.mark.parametrize("name", ["../outside.sh", "/bin/sh.sh", "none.sh"])
def test_a_named_script_cannot_lie_elsewhere(agents, name):
    with pytest.raises(BadHandler):
        handler_from(name, agents[0])


def test_a_script_is_told_its_task_and_answers_with_its_last_line(agents):
    _, script = agents
    path = script(
        "task-1-handler.sh",
        'echo "working on $1 $K1N_WORKFLOW $K1N_REF $K1N_ESTIMATE_MS $K1N_SPEED token=$K1N_TOKEN"\n'
        'echo "parse patterns [120ms]"\necho trouble >&2\nprintf \'{"given": %s}\\n\' "$(cat "$K1N_INPUT")"',
    )
    os.environ["K1N_TOKEN"] = "secret"
    try:
        outcome = run_script(path, context()[0])
    finally:
        del os.environ["K1N_TOKEN"]
    assert outcome.status == "COMPLETED"
    assert outcome.output == {"given": {"project": "k1n"}}
    assert outcome.logs == ("working on t-1 W task_1 1000 600 token=", "parse patterns [120ms]", "stderr: trouble")
    assert outcome.steps == (Step(name="parse", ms=120),)
    assert not outcome.simulated


def test_a_script_that_fails_says_why(agents):
    _, script = agents
    outcome = run_script(script("task-1-handler.sh", 'echo "no disk" >&2; exit 3'), context()[0])
    assert (outcome.status, outcome.reason) == ("FAILED", "task-1-handler.sh: exit code 3: no disk")


def test_a_script_without_a_shebang_that_the_system_cannot_run_fails_its_task(agents):
    folder, _ = agents
    path = folder / "task-1-handler.sh"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    assert run_script(path, context()[0]).reason.startswith("task-1-handler.sh cannot be run")


def test_a_stopped_script_dies_with_its_children(agents, tmp_path):
    _, script = agents
    child = tmp_path / "child"
    path = script("task-1-handler.sh", f"sleep 60 & echo $! > {child}.new; mv {child}.new {child}; wait")
    made, _, callbacks = context()
    stopped = []

    def run():
        try:
            run_script(path, made)
        except Stopped:
            stopped.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(1000):
        if child.exists():
            break
        threading.Event().wait(0.005)
    pid = int(child.read_text())
    callbacks[0]()
    thread.join(10)
    assert stopped == [True]
    for _ in range(1000):
        if not is_running(pid):
            break
        threading.Event().wait(0.005)
    assert not is_running(pid)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_script_can_admit_that_its_work_was_simulated():
    assert read_result("s", 0, ['{"simulated": true}'], [], 1).simulated


def test_a_last_line_that_is_no_object_is_just_a_line():
    outcome = read_result("s", 0, ["{not json"], [], 1)
    assert (outcome.output, outcome.logs) == ({}, ("{not json",))


def test_steps_are_named_by_the_first_word_of_their_line():
    lines = ["[5ms] parse: templates", "compile all [0012ms]", "nothing", "[7ms]"]
    assert [(step.name, step.ms) for step in step_timings(lines)] == [("parse", 5), ("compile", 12), ("step", 7)]


# The choice of a handler


def test_a_named_handler_comes_before_a_script_and_a_script_before_the_simulation(agents):
    folder, script = agents
    script("task-1-handler.sh", "exit 0")
    script("task-2-handler.sh", "exit 0")
    named = NamedHandler(name="python:x:y", call=lambda _: None)
    handlers = Handlers({"task_1": named}, agents=folder)
    assert handlers.find("task_1", "task_1") is named
    assert handlers.find("any_ref", "task_2").name == "script:task-2-handler.sh"
    assert handlers.find("task_3", "task_3") is SIMULATED
    assert Handlers({"task_1": named}, agents=folder, mode="simulated").find("task_2", "task_2") is SIMULATED


def test_a_ref_comes_before_a_type():
    by_ref, by_type = (NamedHandler(name=name, call=lambda _: None) for name in ("ref", "type"))
    assert Handlers({"t": by_type, "r": by_ref}).find("r", "t") is by_ref


def test_a_task_name_from_the_server_cannot_reach_a_file(agents):
    folder, script = agents
    script("task-1-handler.sh", "exit 0")
    for name in ("../task-1-handler.sh", "task_../1", "task_1/../task_1", "task_1\n"):
        assert Handlers(agents=folder).find(name, name) is SIMULATED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "is no handler"),
        ("no_such_module_x:f", "cannot be imported"),
        ("json:nothing", "json has no nothing"),
        ("json:__name__", "cannot be called"),
    ],
)
def test_a_handler_that_is_none_is_refused_in_one_line(text, message):
    with pytest.raises(BadHandler, match=message) as caught:
        handler_from(text, None)
    assert "\n" not in str(caught.value)


def test_a_callable_is_found_in_its_module():
    assert handler_from("json:dumps", None) == NamedHandler(name="python:json:dumps", call=json.dumps)


# Faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("W/a:slow=1.3", Fault(workflow="W", ref="a", kind="slow", value="1.3")),
        ("*/a#2:fail=no disk: full", Fault(workflow="*", ref="a", kind="fail", value="no disk: full", attempt=2)),
        ("W/*:die", Fault(workflow="W", ref="*", kind="die")),
    ],
)
def test_faults_are_read(text, fault):
    assert Fault.parse(text) == fault


@pytest.mark.parametrize(
    "text", ["", "W:slow=2", "W/a", "W/a:sleep", "W/a:slow", "W/a:slow=x", "W/a:slow=0", "W/a:leak", "W/a:die=1"]
)
def test_what_is_no_fault_is_refused_in_one_line(text):
    with pytest.raises(BadFault) as caught:
        Fault.parse(text)
    assert "\n" not in str(caught.value)


def test_a_fault_concerns_its_workflow_ref_and_attempt_only():
    faults = (Fault.parse("W/a#1:fail"), Fault.parse("*/b:hang"))
    assert fault_of(faults, "W", "a", 1) is faults[0]
    assert fault_of(faults, "W", "a", 0) is None
    assert fault_of(faults, "V", "a", 1) is None
    assert fault_of(faults, "V", "b", 3) is faults[1]


# The ledger


def entry(task_id, **more):
    return {"task_id": task_id, "ref": "a", "begin_ms": 1, **more}


def test_a_ledger_tells_each_invocation_with_its_end(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    first, second = ledger.begin(entry("t-1")), ledger.begin(entry("t-2"))
    ledger.end(second, {"task_id": "t-2", "end_ms": 5, "status": "COMPLETED"})
    ledger.close()
    assert first != second
    open_, ended = read_ledger(path)
    assert (open_["task_id"], "end_ms" in open_) == ("t-1", False)
    assert (ended["end_ms"], ended["status"]) == (5, "COMPLETED")


def test_a_line_torn_by_a_kill_costs_nothing_but_itself(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.begin(entry("t-1"))
    ledger.close()
    with path.open("a") as file:
        file.write('{"event": "begin", "task_id": "t-2", "inv')
    after = Ledger(path)
    after.begin(entry("t-3"))
    after.close()
    assert [line["task_id"] for line in read_ledger(path)] == ["t-1", "t-3"]


def test_a_ledger_remembers_what_was_begun_and_what_is_undelivered(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.begin(entry("t-1"))
    for task_id in ("t-1", "t-2"):
        ledger.spool({"taskId": task_id, "status": "COMPLETED"})
    ledger.settle("t-1", "delivered")
    ledger.close()
    after = Ledger(path)
    assert after.has_begun("t-1")
    assert not after.has_begun("t-2")
    assert [result["taskId"] for result in after.undelivered()] == ["t-2"]
    after.close()


def test_a_ledger_that_does_not_exist_is_empty(tmp_path):
    assert read_ledger(tmp_path / "none") == ()


# The tracker


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


CHAIN = WorkflowDefinition(name="W", tasks=tuple(WorkflowTask(ref=ref, name=ref) for ref in "abc"))


def task(ref, status="SCHEDULED", *, seq=1, attempt=0, worker_id=None):
    return TaskRecord(
        ref=ref, task_id=f"{ref}{attempt}", type=ref, def_name=ref, status=TaskStatus(status), seq=seq, attempt=attempt,
        worker_id=worker_id,
    )  # fmt: skip


def execution(*tasks, status="RUNNING", definition=CHAIN):
    return Execution(
        workflow_id="w", name="W", status=WorkflowStatus(status), started_ms=1, tasks=tasks, definition=definition
    )


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tracker(clock):
    return Tracker([CHAIN], worker_id="me", clock=clock)


def test_a_hint_directs_polling_at_once_by_the_known_definition(tracker):
    tracker.launched("w", "W")
    assert tracker.types == ("a",)
    assert tracker.due() == ["w"]


def test_the_snapshot_of_the_server_overrules_the_known_definition(tracker):
    tracker.launched("w", "W")
    other = WorkflowDefinition(name="W", tasks=CHAIN.tasks[1:])
    tracker.looked(execution(definition=other))
    assert tracker.types == ("b",)


def test_polls_and_updates_move_the_prediction(tracker):
    tracker.launched("w", "W")
    tracker.looked(execution(task("a")))
    tracker.polled(task("a", "IN_PROGRESS"), "w", "W")
    assert tracker.types == ()
    assert tracker.updated("a0", "w", TaskStatus.COMPLETED) == ("b",)
    assert tracker.types == ("b",)


def test_a_look_that_is_older_than_our_update_does_not_undo_it(tracker):
    tracker.launched("w", "W")
    tracker.polled(task("a", "IN_PROGRESS"), "w", "W")
    tracker.updated("a0", "w", TaskStatus.COMPLETED)
    tracker.looked(execution(task("a", "IN_PROGRESS")))
    assert tracker.types == ("b",)


def test_a_look_reveals_a_retry_that_the_server_made(tracker):
    tracker.launched("w", "W")
    tracker.polled(task("a", "IN_PROGRESS"), "w", "W")
    tracker.looked(execution(task("a", "TIMED_OUT"), task("a", seq=2, attempt=1)))
    assert tracker.types == ("a",)


def test_an_ended_execution_is_forgotten(tracker):
    tracker.launched("w", "W")
    tracker.looked(execution(task("a", "FAILED"), status="FAILED"))
    assert not tracker.is_active
    assert tracker.types == ()


def test_looks_become_rarer_while_nothing_happens_and_soon_again_when_something_does(tracker, clock):
    tracker.launched("w", "W")
    tracker.looked(execution(task("a")))
    gaps = []
    for _ in range(9):
        due = tracker.next_look()
        gaps.append(due - clock.now)
        clock.now = due
        tracker.looked(execution(task("a")))
    assert gaps == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    tracker.polled(task("a", "IN_PROGRESS"), "w", "W")
    assert tracker.next_look() - clock.now == 0.25


def test_an_execution_that_seems_to_be_over_is_looked_at_soon(tracker, clock):
    tracker.launched("w", "W")
    ended = [task(ref, "COMPLETED", seq=seq) for seq, ref in enumerate("ab")]
    tracker.looked(execution(*ended))
    tracker.polled(task("c", "IN_PROGRESS", seq=9), "w", "W")
    tracker.updated("c0", "w", TaskStatus.COMPLETED)
    assert tracker.next_look() - clock.now == pytest.approx(0.05)


def test_a_long_loop_is_not_remembered_in_full(tracker):
    body = WorkflowTask(ref="b", name="b")
    looping = WorkflowDefinition(name="W", tasks=(WorkflowTask(ref="l", name="l", type="DO_WHILE", loop_over=(body,)),))
    rounds = [replace(task("b", "COMPLETED", seq=n), iteration=n, task_id=f"b-{n}") for n in range(1, 1001)]
    tracker.launched("w", "W")
    for _ in range(2):
        tracker.looked(execution(*rounds, definition=looping))
    assert tracker.remembered("w") == 2
    assert tracker.types == ("b",)


def test_a_delivery_that_never_arrived_is_told_at_the_second_look(tracker):
    lost = task("a", "IN_PROGRESS", worker_id="me")
    tracker.launched("w", "W")
    assert tracker.looked(execution(lost)) == []
    assert tracker.looked(execution(lost)) == [lost]


def test_what_is_in_hand_or_in_other_hands_is_no_lost_delivery(tracker):
    tracker.launched("w", "W")
    tracker.polled(task("a", "IN_PROGRESS"), "w", "W")
    mine, foreign = task("a", "IN_PROGRESS", worker_id="me"), task("b", "IN_PROGRESS", worker_id="you")
    for _ in range(3):
        assert tracker.looked(execution(mine, foreign)) == []
