"""What is said of executions that a test waits for."""

from pytest_k1n.core.pending.standing import standing


def running(build, *tasks, definition):
    return build.observation(*tasks, definition=definition, status="RUNNING")


def test_where_a_worker_has_its_turn_the_worker_is_told(build):
    seen = running(build, build.task("a", 0, 10), build.task("b", scheduled=10), definition=build.chain("a", "b"))
    assert standing([seen], waited_ms=5_000) == "b: no worker has polled in 5.00 s"


def test_where_nothing_is_open_the_step_that_the_server_owes_is_told(build):
    seen = running(build, build.task("a", 0, 10), definition=build.chain("a", "b"))
    assert standing([seen], waited_ms=5_000) == (
        "the server owes a step: b: a ended 22:13:20, its successor b was never scheduled"
    )


def test_a_join_that_has_all_it_waits_for_is_owed_its_end(build):
    definition = {"name": "wf", "version": 1, "tasks": [
        {"name": "f", "taskReferenceName": "f", "type": "FORK_JOIN",
         "forkTasks": [[build.simple("a")], [build.simple("b")]]},
        {"name": "j", "taskReferenceName": "j", "type": "JOIN", "joinOn": ["a", "b"]}]}  # fmt: skip
    seen = running(build, build.task("f", 0, 0, type="FORK"), build.task("a", 0, 10), build.task("b", 0, 20),
                   build.task("j", 0, type="JOIN"), definition=definition)  # fmt: skip
    assert standing([seen], waited_ms=5_000).startswith("the server owes a step: j: b ended 22:13:20, JOIN j is still")


def test_an_execution_that_is_paused_owes_nothing(build):
    seen = build.observation(build.task("a", 0, 10), definition=build.chain("a", "b"), status="PAUSED")
    assert standing([seen], waited_ms=0) == "wf is paused"
