"""Order and barriers: 0 ms of tolerance, decided as early as possible."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_k1n.core.expectations import barrier, barriers_hold, follows_definition, in_order
from pytest_k1n.core.findings import Verdict
from pytest_k1n.core.record.observation import observe
from pytest_k1n.core.wire import wire

PHASES = [(1, "first", ["a", "b"], None), (2, "second", ["c"], None)]


def test_a_chain_in_order_passes(build):
    seen = build.observation(build.task("a", 0, 10), build.task("b", 10, 25), build.task("c", 26, 30))
    findings = in_order("a", "b", "c").judge(seen)
    assert (findings.verdict, findings.passed) == (Verdict.PASS, 2)


def test_a_start_one_ms_early_fails_and_names_everything(build):
    seen = build.observation(build.task("a", 0, 10), build.task("b", 9, 25))
    [finding] = in_order("a", "b").judge(seen).findings
    assert (finding.code, finding.subject, finding.margin) == ("started-early", "b", "1 ms")
    assert finding.expected == "to start when a has ended"
    assert finding.origin == "definition edge a -> b"


def test_order_by_chance_is_a_warning(build):
    seen = build.observation(build.task("a", 0, 10), build.task("b", 11, 25, scheduled=2))
    findings = in_order("a", "b").judge(seen)
    assert [f.code for f in findings.findings] == ["scheduled-early"]
    assert (findings.verdict, findings.passed) == (Verdict.WARN, 1)


def test_a_task_that_has_not_come_yet_is_pending_and_later_a_failure(build):
    records = [build.task("a", 0, 10), build.task("b", 10)]
    live = build.observation(*records, definition=build.chain("a", "b", "c"), status="RUNNING")
    assert {f.code for f in in_order("a", "b", "c").judge(live).findings} == {"pending"}
    released = build.observation(
        *records, definition=build.chain("a", "b", "c"), status="RUNNING", released="deadline passed"
    )
    [finding] = in_order("a", "b", "c").judge(released).findings
    assert (finding.code, finding.subject, finding.verdict) == ("not-run", "c", Verdict.FAIL)
    assert "deadline passed" in finding.observed


def test_a_start_beside_a_running_task_is_decided_at_once(build):
    live = build.observation(build.task("a", 0), build.task("b", 5), status="RUNNING")
    [finding] = in_order("a", "b").judge(live).findings
    assert (finding.code, finding.verdict) == ("started-early", Verdict.FAIL)


def test_the_last_attempt_counts_as_the_end_and_the_first_as_the_start(build):
    seen = build.observation(
        build.task("a", 0, 10, status="FAILED", retried=True),
        build.task("b", 12, 15, status="FAILED", retried=True),
        build.task("a", 13, 20, attempt=1),
        build.task("b", 21, 30, attempt=1),
    )
    assert [(f.code, f.margin) for f in in_order("a", "b").judge(seen).findings] == [("started-early", "8 ms")]


def looped(build, *bodies):
    loops = [
        {"name": f"loop{n}", "taskReferenceName": f"loop{n}", "type": "DO_WHILE", "loopCondition": "x",
         "loopOver": [build.simple(ref) for ref in body]}
        for n, body in enumerate(bodies)
    ]  # fmt: skip
    return {"name": "wf", "tasks": loops}


def rounds(build, b_start=29):
    return [
        build.task("a", 0, 10, iteration=1),
        build.task("b", 10, 20, iteration=1),
        build.task("a", 20, 30, iteration=2),
        build.task("b", b_start, 40, iteration=2),
    ]


def test_iterations_of_one_loop_are_compared_pass_by_pass(build):
    ended = build.task("loop0", 0, 41, type="DO_WHILE", output={"iteration": 2})
    one = build.observation(ended, *rounds(build), definition=looped(build, ["a", "b"]))
    [finding] = in_order("a", "b").judge(one).findings
    assert (finding.code, finding.subject, finding.margin) == ("started-early", "b__2", "1 ms")
    other = build.task("loop1", 0, 41, type="DO_WHILE", output={"iteration": 2})
    two = build.observation(ended, other, *rounds(build), definition=looped(build, ["a"], ["b"]))
    assert [f.subject for f in in_order("a", "b").judge(two).findings] == ["b__1", "b__2"]


def test_a_loop_that_may_go_round_again_leaves_its_order_open(build):
    going = build.task("loop0", 0, type="DO_WHILE", output={"iteration": 2})
    live = build.observation(going, *rounds(build, b_start=31), definition=looped(build, ["a", "b"]), status="RUNNING")
    assert {f.code for f in in_order("a", "b").judge(live).findings} == {"pending"}


def test_a_misspelt_ref_is_told_with_the_nearest_name(build):
    seen = build.observation(build.task("task_6", 0, 10), build.task("task_7", 10, 25))
    [finding] = in_order("task_6", "task7").judge(seen).findings
    assert finding.code == "unknown-ref"
    assert "did you mean task_7?" in finding.observed


def test_refs_of_a_dynamic_fork_are_unknown_until_it_opens(build, codes_of):
    definition = {
        "name": "wf",
        "tasks": [build.simple("a"), {"name": "fan", "taskReferenceName": "fan", "type": "FORK_JOIN_DYNAMIC"}],
    }
    live = build.observation(build.task("a", 0), definition=definition, status="RUNNING")
    assert ("pending", "part_1", "unknown") in codes_of(in_order("a", "part_1").judge(live))
    ended = build.observation(build.task("a", 0, 10), definition=definition)
    assert ("unknown-ref", "part_1", "fail") in codes_of(in_order("a", "part_1").judge(ended))
    chain = build.observation(build.task("a", 0), definition=build.chain("a", "b"), status="RUNNING")
    assert ("unknown-ref", "part_1", "fail") in codes_of(in_order("a", "part_1").judge(chain))


def test_one_iteration_can_be_asked_for_by_its_name(build):
    ended = build.task("loop0", 0, 41, type="DO_WHILE", output={"iteration": 2})
    seen = build.observation(ended, *rounds(build), definition=looped(build, ["a", "b"]))
    assert in_order("a__1", "b__1").judge(seen).verdict is Verdict.PASS
    assert in_order("a__2", "b__2").judge(seen).verdict is Verdict.FAIL
    assert in_order("a__1", "b__9").judge(seen).findings[0].code == "not-run"


def test_a_task_without_a_start_says_how_it_stands(build):
    seen = build.observation(build.task("a", 0, 10), build.task("b", None, 12, status="CANCELED"), status="FAILED")
    [finding] = in_order("a", "b").judge(seen).findings
    assert (finding.code, finding.observed) == ("not-finished", "CANCELED, never started")


def test_a_clock_set_back_makes_order_unknown(build):
    seen = build.observation(build.task("a", 1000, 1010), build.task("b", 500, 510))
    for expectation in (in_order("a", "b"), follows_definition()):
        assert expectation.judge(seen).verdict is Verdict.UNKNOWN


def test_following_the_definition_counts_its_edges(build):
    definition = build.fork(["a"], ["b"], then=["c"])
    records = [
        build.task("fork", 0, 0, type="FORK"),
        build.task("a", 1, 10, scheduled=0),
        build.task("b", 1, 20, scheduled=0),
        build.task("join", 0, 21, type="JOIN", scheduled=0),
        build.task("c", 22, 30),
    ]
    findings = follows_definition().judge(build.observation(*records, definition=definition))
    assert (findings.findings, findings.passed) == ((), 3)
    records[4] = build.task("c", 20, 30, scheduled=19)
    early = follows_definition().judge(build.observation(*records, definition=definition))
    assert early.verdict is Verdict.FAIL
    assert {f.subject for f in early.findings} == {"c"}


def test_a_join_brought_down_by_a_failed_branch_is_no_violation(build):
    definition = build.fork(["a"], ["b"], then=["c"])
    seen = build.observation(
        build.task("fork", 0, 0, type="FORK"),
        build.task("a", 1, 10, scheduled=0, status="FAILED_WITH_TERMINAL_ERROR"),
        build.task("b", 1, 14, scheduled=0, status="CANCELED"),
        build.task("join", 0, 12, type="JOIN", scheduled=0, status="CANCELED"),
        definition=definition,
        status="FAILED",
    )
    assert follows_definition().judge(seen).findings == ()


def test_a_ref_of_another_definition_does_not_belong(build):
    made = build.execution(build.task("a", 0, 10), build.task("x", 10, 20))
    seen = observe(made, definition=wire.workflow_definition(build.chain("a", "b")))
    assert ("unexpected-task", "x") in [(f.code, f.subject) for f in follows_definition().judge(seen).findings]


def test_a_fork_that_became_a_chain_is_missed_in_the_records(build):
    made = build.execution(build.task("a", 0, 10), build.task("b", 10, 20))
    seen = observe(made, definition=wire.workflow_definition(build.fork(["a"], ["b"])))
    found = {(f.code, f.subject) for f in follows_definition().judge(seen).findings}
    assert found == {("other-definition", "wf"), ("not-run", "fork"), ("not-run", "join")}


def test_a_barrier_is_two_numbers(build):
    records = [build.task("a", 0, 10), build.task("b", 0, 30), build.task("c", 30, 40)]
    held = build.observation(*records, template=build.template(phases=PHASES))
    assert barriers_hold().judge(held).passed == 1
    records[2] = build.task("c", 25, 40)
    crossed = build.observation(*records, template=build.template(phases=PHASES))
    [finding] = barrier(after=1, before="second").judge(crossed).findings
    assert (finding.code, finding.subject, finding.margin) == ("barrier-crossed", "c", "5 ms")
    assert "before b ended; 1 of 1 tasks" in finding.observed


def test_a_barrier_is_crossed_while_the_earlier_phase_still_runs(build):
    live = build.observation(
        build.task("a", 0, 10), build.task("b", 5), build.task("c", 12), status="RUNNING",
        template=build.template(phases=PHASES),
    )  # fmt: skip
    [finding] = barriers_hold().judge(live).findings
    assert (finding.code, finding.verdict) == ("barrier-crossed", Verdict.FAIL)


def test_a_barrier_is_open_while_the_earlier_phase_has_tasks_to_come(build):
    live = build.observation(
        build.task("a", 0, 10), build.task("c", 12), status="RUNNING", definition=build.chain("a", "b", "c"),
        template=build.template(phases=PHASES),
    )  # fmt: skip
    [finding] = barriers_hold().judge(live).findings
    assert (finding.code, finding.observed) == ("pending", "b of phase 1 may still come")


def test_a_phase_may_be_of_a_sub_workflow_a_person_or_a_call(build):
    for kind in ("SUB_WORKFLOW", "HUMAN", "WAIT", "HTTP", "EVENT"):
        records = [build.task("a", 0, 10), build.task("b", 10, 30, type=kind), build.task("c", 30, 40)]
        held = build.observation(*records, template=build.template(phases=PHASES))
        assert (barriers_hold().judge(held).verdict, barriers_hold().judge(held).passed) == (Verdict.PASS, 1)
        crossed = build.observation(*records[:2], build.task("c", 29, 40), template=build.template(phases=PHASES))
        [finding] = barriers_hold().judge(crossed).findings
        assert (finding.code, finding.observed.partition(";")[0]) == ("barrier-crossed", "c started before b ended")


def test_what_only_steers_is_no_part_of_a_phase(build):
    records = [build.task("a", 0, 10), build.task("b", 0, 40, type="JOIN"), build.task("c", 20, 30)]
    assert barriers_hold().judge(build.observation(*records, template=build.template(phases=PHASES))).passed == 1


def test_a_phase_that_never_ran_leaves_its_barrier_unknown(build):
    seen = build.observation(
        build.task("a", 0, 10), status="FAILED", definition=build.chain("a", "b", "c"),
        template=build.template(phases=PHASES),
    )  # fmt: skip
    [finding] = barriers_hold().judge(seen).findings
    assert (finding.code, finding.verdict) == ("phase-not-run", Verdict.UNKNOWN)
    assert finding.observed.startswith("no task of phase 2 ever ran")
    late = build.observation(
        build.task("c", 0, 10), status="FAILED", definition=build.chain("a", "b", "c"),
        template=build.template(phases=PHASES),
    )  # fmt: skip
    assert barriers_hold().judge(late).findings[0].observed.startswith("no task of phase 1 ever ran")


def test_a_task_of_another_definition_can_still_be_ordered(build):
    made = build.execution(build.task("a", 0, 10), build.task("x", 9, 20))
    seen = observe(made, definition=wire.workflow_definition(build.chain("a", "b")))
    [finding] = in_order("a", "x").judge(seen).findings
    assert (finding.code, finding.origin) == ("started-early", "in_order: a -> x")


def test_phases_are_asked_for_by_names_of_the_plan(build):
    seen = build.observation(build.task("a", 0, 10), template=build.template(phases=PHASES))
    [finding] = barrier(after=1, before=7).judge(seen).findings
    assert finding.code == "unknown-phase"
    assert "1 (first), 2 (second)" in finding.observed


spans = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(spans, min_size=2, max_size=6))
def test_in_order_agrees_with_brute_force(chain_spans):
    refs = [f"t{index}" for index in range(len(chain_spans))]
    records = [
        {
            "referenceTaskName": ref, "taskType": ref, "taskDefName": ref, "taskId": ref, "status": "COMPLETED",
            "seq": index, "scheduledTime": 1000, "startTime": 1000 + start, "endTime": 1000 + end,
        }
        for index, (ref, (start, end)) in enumerate(zip(refs, chain_spans, strict=True))
    ]  # fmt: skip
    document = {
        "workflowId": "w", "workflowName": "w", "status": "COMPLETED", "startTime": 1000, "endTime": 1100,
        "tasks": records,
        "workflowDefinition": {
            "name": "w", "tasks": [{"name": ref, "taskReferenceName": ref} for ref in refs],
        },
    }  # fmt: skip
    findings = in_order(*refs).judge(observe(wire.execution(document)))
    wrong = [
        after
        for after, (_, end), (start, _) in zip(refs[1:], chain_spans, chain_spans[1:], strict=False)
        if start < end
    ]
    assert [f.subject for f in findings.findings if f.code == "started-early"] == wrong
    assert findings.passed == len(refs) - 1 - len(wrong)


def test_an_order_that_nothing_in_the_definition_asks_for_is_the_cause(build):
    both = build.fork(["a"], ["b"], then=["c"])
    tasks = (build.task("fork", 0, 0, type="FORK"), build.task("a", 0, 10), build.task("b", 5, 20))
    [found] = in_order("a", "b").judge(build.observation(*tasks, definition=both)).findings
    assert found.origin == "nothing in the definition makes b wait for a: it waits for fork"


def test_of_a_join_that_joins_too_little_is_told_what_it_joins(build):
    tasks = [
        {"type": "FORK_JOIN", "taskReferenceName": "fork", "name": "fork",
         "forkTasks": [[build.simple("a")], [build.simple("b")]]},
        {"type": "JOIN", "taskReferenceName": "join", "name": "join", "joinOn": ["b"]}, build.simple("c"),
    ]  # fmt: skip
    records = (
        build.task("fork", 0, 0, type="FORK"), build.task("a", 0, 50), build.task("b", 0, 10),
        build.task("join", 10, 10, type="JOIN"), build.task("c", 10, 20),
    )  # fmt: skip
    seen = build.observation(*records, definition={"name": "wf", "version": 1, "tasks": tasks})
    [found] = in_order("a", "c").judge(seen).findings
    assert found.origin == "nothing in the definition makes c wait for a: it waits for join, which joins b"


def test_a_dynamic_branch_is_compared_with_the_tasks_of_its_own_pass_of_the_loop(build):
    loop = looped(build, ["judge"])
    fan = {"name": "fan", "taskReferenceName": "fan", "type": "FORK_JOIN_DYNAMIC"}
    loop["tasks"][0]["loopOver"] += [fan, {"name": "j", "taskReferenceName": "j", "type": "JOIN"}]
    records = [build.task("loop0", 0, 41, type="DO_WHILE", output={"iteration": 2})]
    for at, n in ((0, 1), (20, 2)):
        refs = ["cell_0"]
        records += [
            build.task("judge", at, at + 9, iteration=n),
            build.task("fan", at + 9, at + 9, iteration=n, type="FORK", input={"forkedTasks": refs}),
            build.task("cell_0", at + 9, at + 18, iteration=n),
            build.task("j", at + 9, at + 18, iteration=n, type="JOIN", input={"joinOn": refs}),
        ]
    seen = build.observation(*records, definition=loop)
    assert in_order("judge", "cell_0").judge(seen).verdict is Verdict.PASS
    assert [f.subject for f in in_order("cell_0", "judge").judge(seen).findings] == ["judge__1", "judge__2"]
