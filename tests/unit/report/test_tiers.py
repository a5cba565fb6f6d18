"""One suite on several tiers: agreement, differences with their reasons, tiers that could not be used."""

from pytest_k1n.report.blocks import as_markdown
from pytest_k1n.report.tiers import agrees, blocks, differences, tier_of


def finding(code="overhead", test="t::a"):
    said = {"subject": "task_1", "expected": "at most 100 ms", "observed": "144 ms", "margin": "44 ms", "origin": ""}
    return {**said, "code": code, "verdict": "fail", "workflow_id": "w", "batch": "batch1", "tests": [test]}


def run(outcomes, *, findings=(), reason="", quality=None, makespan_ms=390_000, server=None):
    execution = {"title": "W", "role": "main", "makespan_ms": makespan_ms}
    return {
        "server": server or {"kind": "jar", "version": "3.32.1"},
        "time": {"model": "scaled", "speed": 600.0},
        "verdict": "pass",
        "tests": [{"node_id": name, "outcome": each, "batch": "batch1"} for name, each in outcomes.items()],
        "findings": list(findings),
        "batches": [{"name": "batch1", "reason": reason, "quality": quality}],
        "executions": [execution],
    }


def shown(*tiers):
    return as_markdown(list(blocks(tiers)))


def test_tiers_that_say_the_same_agree():
    tiers = [tier_of("embedded", run({"t::a": "passed"})), tier_of("jar", run({"t::a": "passed"}))]
    assert agrees(tiers)
    assert differences(tiers) == []
    assert "1 of 1 tests have the same verdict on embedded, jar." in shown(*tiers)


def test_tiers_that_fail_alike_are_no_success():
    tiers = [tier_of(name, run({"t::a": "failed"})) for name in ("embedded", "jar")]
    assert differences(tiers) == []
    assert not agrees(tiers)


def test_a_difference_is_explained_by_what_was_found_there_and_its_usual_cause():
    one, other = run({"t::a": "passed"}), run({"t::a": "failed"}, findings=[finding()])
    (found,) = differences([tier_of("embedded", one), tier_of("jar", other)])
    assert found.outcomes == ("passed", "failed")
    assert found.why.startswith("jar: latency: task_1: expected at most 100 ms; observed 144 ms, by 44 ms (overhead). ")


def test_a_blocked_test_is_explained_by_what_blocked_its_batch():
    other = run({"t::a": "blocked", "t::b": "blocked"}, reason="batch0 has not passed")
    text = shown(tier_of("embedded", run({"t::a": "passed", "t::b": "passed"})), tier_of("jar", other))
    assert "| t::a and 1 more | passed | blocked | jar: batch0 has not passed |" in text


def test_a_pass_rate_that_failed_is_explained_by_its_gates():
    quality = {"reasons": ["12 of 14 checks passed", "gate G9 failed 2 checks"]}
    tiers = [tier_of("embedded", run({"t::a": "passed"})), tier_of("jar", run({"t::a": "failed"}, quality=quality))]
    assert differences(tiers)[0].why == "jar: 12 of 14 checks passed jar: gate G9 failed 2 checks"


def test_a_test_that_a_tier_never_ran_is_a_difference():
    tiers = [tier_of("embedded", run({"t::a": "passed", "t::b": "passed"})), tier_of("jar", run({"t::a": "passed"}))]
    assert [(each.node_id, each.outcomes) for each in differences(tiers)] == [("t::b", ("passed", "not run"))]
    assert not agrees(tiers)


def test_a_tier_that_could_not_be_used_is_passed_over_with_its_reason():
    broken = run({"t::a": "failed"}, server={"error": "no container engine answers\n(docker: not on PATH)"})
    tiers = [tier_of("embedded", run({"t::a": "passed"})), tier_of("docker", broken)]
    assert agrees(tiers)
    assert "docker was passed over: no container engine answers (docker: not on PATH)" in shown(*tiers)
    assert "Fewer than two tiers ran" in shown(*tiers)


def test_no_tier_at_all_is_no_agreement():
    assert not agrees([tier_of("docker", None, "no engine")])


def test_makespans_stand_side_by_side():
    tiers = [tier_of("embedded", run({}, makespan_ms=390_000)), tier_of("jar", run({}, makespan_ms=393_000))]
    assert "| W | 6.50 min | 6.55 min |" in shown(*tiers)
