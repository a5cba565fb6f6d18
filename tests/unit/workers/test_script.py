"""Handler scripts: found by number, refused with a remedy, run, stopped; what they print is their result."""

import os
import threading

import pytest

from k1n_support.processes import are_gone
from pytest_k1n.workers.handler import Step, Stopped
from pytest_k1n.workers.registry import BadHandler, handler_from
from pytest_k1n.workers.script import BadScript, find_scripts, read_result, run_script, step_timings


def test_scripts_are_found_by_the_number_or_the_name_of_their_task(agents):
    folder, script = agents
    script("task-1-security-handler.sh", "exit 0")
    script("task-12-handler.sh", "exit 0")
    script("notes.sh", "exit 0")
    script("cut-chapters-handler.sh", "exit 0")
    script("task-x-handler.sh", "exit 0")
    script("-handler.sh", "exit 0")
    assert {task: handler.name for task, handler in find_scripts(folder).items()} == {
        "task_1": "script:task-1-security-handler.sh",
        "task_12": "script:task-12-handler.sh",
        "cut_chapters": "script:cut-chapters-handler.sh",
        "task_x": "script:task-x-handler.sh",
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


def test_a_script_is_told_its_task_and_answers_with_its_last_line(agents, context):
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


def test_a_script_that_fails_says_why(agents, context):
    _, script = agents
    outcome = run_script(script("task-1-handler.sh", 'echo "no disk" >&2; exit 3'), context()[0])
    assert (outcome.status, outcome.reason) == ("FAILED", "task-1-handler.sh: exit code 3: no disk")


def test_a_script_without_a_shebang_that_the_system_cannot_run_fails_its_task(agents, context):
    folder, _ = agents
    path = folder / "task-1-handler.sh"
    path.write_bytes(b"\x7fELF nonsense")
    path.chmod(0o755)
    assert run_script(path, context()[0]).reason.startswith("task-1-handler.sh cannot be run")


def test_a_stopped_script_dies_with_its_children(agents, tmp_path, context):
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
        if child.exists() and callbacks:
            break
        threading.Event().wait(0.005)
    pid = int(child.read_text())
    callbacks[0]()
    thread.join(10)
    assert stopped == [True]
    assert are_gone([pid])


def test_a_script_can_admit_that_its_work_was_simulated():
    assert read_result("s", 0, ['{"simulated": true}'], [], 1).simulated


@pytest.mark.parametrize(
    ("said", "work_ms"), [("40", 40), ("40.4", 40), ("0", 0), ("101", 100), ("-1", 100), ("true", 100), ('"9"', 100)]
)
def test_a_script_can_say_how_much_of_its_work_was_simulated(said, work_ms):
    assert read_result("s", 0, [f'{{"simulated": true, "simulated_ms": {said}}}'], [], 100).work_ms == work_ms


def test_how_much_was_simulated_counts_for_nothing_in_real_work():
    assert read_result("s", 0, ['{"simulated_ms": 40}'], [], 100).work_ms == 100


def test_a_last_line_that_is_no_object_is_just_a_line():
    outcome = read_result("s", 0, ["{not json"], [], 1)
    assert (outcome.output, outcome.logs) == ({}, ("{not json",))


def test_steps_are_named_by_the_first_word_of_their_line():
    lines = ["[5ms] parse: templates", "compile all [0012ms]", "nothing", "[7ms]"]
    assert [(step.name, step.ms) for step in step_timings(lines)] == [("parse", 5), ("compile", 12), ("step", 7)]
