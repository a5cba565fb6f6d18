"""A failed batch prints what to look at: each point checked, with what to type next."""

import re

import pytest


def look(outcome):
    lines = outcome.text.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("look at  "))
    points = {}
    for line in lines[at + 1 :]:
        if not line.startswith("         "):
            break
        state, _, rest = line.strip().partition(" ")
        what, _, result = rest.strip().partition(": ")
        if state == "not":
            state, what = "not known", what.removeprefix("known ").strip()
        points[what] = (state, result)
    return points


def test_a_passing_run_has_no_diagnosis(project):
    assert "look at" not in project.run().text


def test_a_first_batch_is_looked_at_for_server_definitions_and_isolation(project):
    outcome = project.run("--k1n-fault=FIRST/one:terminal=broken")
    points = look(outcome)
    assert {what: state for what, (state, _) in points.items()} == {
        "server": "ok", "definitions": "ok", "isolation": "ok",
    }  # fmt: skip
    assert points["isolation"][1].endswith("pytest -m batch1")
    assert "batch1 has failed" in outcome.text


def test_a_batch_with_phases_is_looked_at_for_machine_container_timeouts_and_phases(project):
    outcome = project.run(
        "-m", "batch2", "--k1n-fault=CHAIN/b:terminal=broken", "--k1n-report=r.md", "--k1n-html=r.html"
    )
    points = look(outcome)
    assert {"container", "memory, machine", "timeouts", "phases"} <= set(points)
    assert points["container"] == ("ok", "not needed: the server is embedded")
    for name in ("r.md", "r.html"):
        assert "what to look at" in (project.pytester.path / name).read_text()


def test_a_phase_outside_its_band_is_named_with_how_to_judge_it_alone(project):
    project.test("second_chain", (project.pytester.path / "test_second_chain.py").read_text().replace(
        'expect(completed(), in_order("a", "b"))', 'expect(phase_within(2, "5m", "7m"))').replace(
        "import completed", "import completed, phase_within"))  # fmt: skip
    points = look(project.run("-m", "batch2", "--k1n-fault=CHAIN/b:slow=1.5"))
    state, result = points["phases"]
    assert state == "trouble"
    assert result.endswith("-> pytest -m 'batch2 and phase2'")


@pytest.mark.parametrize(("options", "state"), [((), "not known"), (("--k1n-sequential",), "trouble")])
def test_workflows_at_once_are_looked_at_for_what_they_share(gated_project, options, state):
    gated_project.definition(
        {"name": "OTHER", "version": 1, "schemaVersion": 2, "ownerEmail": "k1n@example.com", "timeoutSeconds": 0,
         "tasks": [{"name": "a", "taskReferenceName": "a", "type": "SIMPLE", "inputParameters": {}}]}
    )  # fmt: skip
    plan = (gated_project.pytester.path / "k1n.toml").read_text()
    more = '[[batch.template]]\nid = "03"\nslug = "other"\nworkflow = "OTHER"\nestimates = { a = "5m" }\n'
    gated_project.plan(plan + more).test(
        "other",
        "import pytest\nfrom pytest_k1n import completed\n"
        'pytestmark = [pytest.mark.batch2, pytest.mark.workflow("OTHER")]\n'
        "def test_other(workflow_execution):\n    workflow_execution.expect(completed())\n",
    )
    points = look(gated_project.run("-m", "batch2", "--k1n-fault=CHAIN/b:terminal=broken", *options))
    assert {"task conflicts", "shared resources", "blocking logic", "one after the other"} <= set(points)
    assert "both use a" in points["task conflicts"][1]
    assert points["one after the other"][0] == state


def test_a_band_of_days_is_written_out(project):
    plan = (project.pytester.path / "k1n.toml").read_text().replace('["5m", "8m"]', '["5m", "8d"]')
    assert re.search(r"FIRST +5-11520 min ", project.plan(plan).run("-m", "batch1").text)
