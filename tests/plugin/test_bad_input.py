"""A user's mistakes: one line that says what, where and what to do; no traceback, nothing half-written."""

import os
import subprocess
import sys

import pytest

from .conftest import PLAN


def refused(outcome, *words):
    assert outcome.code == 4, outcome.text
    for word in words:
        assert word in outcome.text
    assert "Traceback" not in outcome.text
    assert "INTERNALERROR" not in outcome.text
    assert "UsageError" not in outcome.text


def test_a_malformed_plan_names_file_and_line(project):
    refused(project.plan("schema = ").run(), "k1n.toml", "not valid TOML")


def test_a_plan_with_mistakes_tells_all_of_them(project):
    text = 'schema = "k1n-plan/1"\n[[batch]]\nnumber = "one"\ntitel = "x"\n'
    refused(project.plan(text).run(), "number", "titel", "title")


@pytest.mark.parametrize("nodes", [(), ("-n", "1")])
def test_a_mistake_is_told_once_where_quality_gates_are_collected(gated_project, nodes):
    """One that is found by whoever needs the whole plan, and not by whoever needs its marks."""
    outcome = gated_project.plan(PLAN.replace('["5m", "8m"]', '["16m", "10m"]')).run(*nodes)
    refused(outcome, "16m is longer than 10m")
    assert outcome.text.count("longer than") == 1


def test_a_missing_plan_file_is_named(project):
    refused(project.run("--k1n-plan=nowhere.toml"), "--k1n-plan", "nowhere.toml")


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--k1n-speed=fast", "'fast' is not a number"),
        ("--k1n-speed=0", "above 0"),
        ("--k1n-gate=maybe", "none of block, require, warn, off"),
        ("--k1n-startup-timeout=5", "not a duration"),
        ("--k1n-min-pass-rate=120", "from 0 to 100"),
        ("--k1n-time=virtually", "none of real, scaled, virtual"),
        ("--k1n-server=jra", "use embedded, jar, docker, auto or http"),
    ],
)
def test_a_bad_option_says_which_and_what_it_takes(project, option, says):
    refused(project.run(option), option.partition("=")[0], says)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("seed", "{}"), ("gate", "{}"), ("time", "{}"), ("conductor", "{}"), ("fault", "{}"), ("plan", "{}"),
        ("history", "{}"), ("report", "{}.md"), ("server", "http://me:hun hunter2@127.0.0.1:1"),
    ],
)  # fmt: skip
def test_a_url_that_is_given_to_another_option_keeps_its_password(project, option, value):
    (project.pytester.path / "http:/me:hunter2@h.md").mkdir(parents=True)
    outcome = project.run(f"--k1n-{option}=" + value.format("http://me:hunter2@h"), "-q")
    assert "hunter2" not in outcome.text


def test_virtual_time_on_a_real_server_is_refused(project):
    refused(project.run("--k1n-server=jar", "--k1n-time=virtual"), "cannot be accelerated")


def test_an_unknown_batch_on_a_workflow_test_is_refused(project):
    project.test("first", (project.pytester.path / "test_first.py").read_text().replace("batch1", "batch7"))
    refused(project.run("-W", "ignore"), "batch7", "knows batch1, batch2")


def test_a_batch_without_any_plan_is_refused(project):
    (project.pytester.path / "k1n.toml").unlink()
    refused(project.run("-W", "ignore"), "there is no plan", "--k1n-plan=FILE")


def test_two_batches_on_one_test_are_refused(project):
    source = (project.pytester.path / "test_first.py").read_text().replace("[pytest", "[pytest.mark.batch2, pytest")
    refused(project.test("first", source).run(), "choose one")


def test_a_workflow_fixture_without_a_workflow_mark_is_refused(project):
    refused(project.test("bare", "def test_bare(workflow_execution): ...\n").run(), "names no workflow")


def test_a_phase_fixture_without_a_phase_mark_is_refused(project):
    source = "import pytest\n@pytest.mark.workflow('FIRST')\ndef test_bare(workflow_phase): ...\n"
    refused(project.test("bare", source).run(), "has no phase mark")


def test_a_misspelt_mark_argument_shows_the_signature(project):
    source = "import pytest\n@pytest.mark.workflow('FIRST', imput={})\ndef test_bare(workflow_execution): ...\n"
    refused(project.test("bare", source).run(), "workflow(name, *, version=None", "imput")


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ("workflow('FIRST', inputs={})", 'it takes no inputs; did you mean "input"?'),
        ("workflow('FIRST', input={'at': object()})", "input is not JSON: "),
        ("workflow('FIRST', input={'n': float('nan')})", "input is not JSON: "),
        ("workflow('FIRST', version='1')", "version must be a whole number, not '1'"),
        ("batch(1, 2)", "batch(n=...) takes a whole number, not (1, 2)"),
        ("phase(99)", "marked phase99, but FIRST has no phases in k1n.toml"),
        ("fault('worker-killed')", "fault mark: missing a required argument: 'at'"),
        ("fault('worker-killed', at='a', lasts='long')", "fault mark: lasts must be a number of leases above 0"),
    ],
)
def test_what_a_mark_is_given_of_another_kind_is_refused_by_its_own_words(project, marks, said):
    fixture = "struck_execution" if marks.startswith("fault") else "workflow_execution"
    first = "" if marks.startswith("workflow") else "@pytest.mark.workflow('FIRST')\n"
    source = f"import pytest\n{first}@pytest.mark.{marks}\ndef test_it({fixture}): ...\n"
    outcome = project.test("bare", source).run("test_bare.py")
    refused(outcome, said)
    assert "__init__" not in outcome.text


def test_a_foreign_server_in_the_environment_is_never_used(project, monkeypatch):
    monkeypatch.setenv("CONDUCTOR_SERVER_URL", "http://conductor.example.com:8080/api")
    refused(project.run(), "CONDUCTOR_SERVER_URL", "conductor.example.com", "--k1n-server=")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--k1n-server=http://127.0.0.1:9"], "no Conductor answers at http://127.0.0.1:9"),
        (["--k1n-server=jar", "--k1n-jar=/nope.jar"], "--k1n-jar: /nope.jar is not a file"),
    ],
)
@pytest.mark.parametrize("nodes", [(), ("-n", "2")])
def test_a_server_that_cannot_be_used_is_one_line_and_falls_back_to_nothing(project, options, said, nodes):
    refused((project.spawn if nodes else project.run)(*options, *nodes), said)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("NOBODY", "workflows"),
        ("CHAIM", 'did you mean "CHAIN"?'),
        ("chain", 'did you mean "CHAIN"?'),
    ],
)
def test_an_unknown_workflow_is_refused_where_no_server_could_have_it(project, name, hint):
    source = f"import pytest\n@pytest.mark.workflow('{name}')\ndef test_it(workflow_execution): ...\n"
    refused(project.test("nobody", source).run("test_nobody.py"), f"no workflow definition {name}: sought in", hint)


def test_a_definition_that_is_no_json_is_named(project):
    (project.pytester.path / "workflows" / "CHAIN.json").write_text("{")
    outcome = project.run()
    assert "CHAIN.json: cannot be read as JSON" in outcome.text
    assert outcome.code != 0
    assert "Traceback" not in outcome.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_results_folder_is_refused_before_anything_starts(project):
    folder = project.pytester.path / "locked"
    folder.mkdir(mode=0o500)
    refused(project.run("--k1n-results=locked/results"), "--k1n-results", "cannot be written")


def test_a_results_folder_that_is_a_file_is_refused_before_anything_starts(project):
    refused(project.file("taken", "").run("--k1n-results=taken"), "--k1n-results", "cannot be written")


def test_no_java_lists_what_was_looked_at(project):
    fake = project.pytester.path / "java"
    fake.write_text("#!/bin/sh\necho 'openjdk version \"17.0.15\" 2025-04-15' >&2\n")
    fake.chmod(0o755)
    outcome = project.run("--k1n-server=jar", f"--k1n-java={fake}", "-m", "batch1")
    assert "17" in outcome.text
    assert "21" in outcome.text
    assert outcome.code == 4
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('estimates = { one = "6m" }', 'estimates = { onne = "6m" }', 'did you mean "one"?'),
        ('workflow = "CHAIN"', 'workflow = "CHIAN"', 'did you mean "CHAIN"?'),
        ('definitions = ["workflows"]\n', 'definitions = ["workflow"]\n', 'did you mean "workflows"?'),
    ],
)
def test_a_misspelt_name_in_a_plan_is_refused_by_pytest_validate_and_doctor_alike(project, old, new, says):
    text = (project.pytester.path / "k1n.toml").read_text()
    assert old in text
    refused(project.plan(text.replace(old, new)).run("-m", "batch1"), "k1n.toml", says)
    for command in (["validate", "k1n.toml"], ["doctor"]):
        ran = subprocess.run([sys.executable, "-m", "pytest_k1n", *command], capture_output=True, text=True)
        assert (ran.returncode, says in ran.stdout) == (1, True), ran.stdout


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("FRIST/one:fail", "there is no workflow 'FRIST': did you mean \"FIRST\"?"),
        ("FIRST/oen:fail", "no ref 'oen' in FIRST: did you mean \"one\"?"),
        ("*/oen:fail", "no ref 'oen' in any workflow of this run: did you mean \"one\"?"),
    ],
)
@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["alone", "n2"])
def test_a_fault_that_aims_at_nothing_is_refused(project, fault, says, mode):
    refused(project.spawn("-m", "batch1", f"--k1n-fault={fault}", *mode), f"--k1n-fault={fault}", says)


@pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["alone", "n2"])
def test_a_fault_that_no_selected_test_meets_is_told(project, mode):
    outcome = project.spawn("-q", "-m", "batch1", "--k1n-fault=CHAIN/b:fail", "--k1n-fault=FIRST/one:slow=1.01", *mode)
    assert outcome.counts["passed"] == 1
    assert "k1n: --k1n-fault=CHAIN/b:fail struck nothing: no selected test launches CHAIN" in outcome.text
    assert outcome.text.count("struck nothing") == 1


def test_two_files_that_define_a_version_differently_are_refused_and_alike_are_not(project):
    folder = project.pytester.path / "workflows"
    text = (folder / "CHAIN.json").read_text()
    (folder / "copy.json").write_text(text)
    assert project.run("-m", "batch1").counts["passed"] == 1
    (folder / "copy.json").write_text(text.replace('"b"', '"bb"'))
    refused(project.run("-m", "batch1"), "CHAIN version 1 is defined twice, and not alike", "CHAIN.json", "copy.json")


def test_a_workflow_under_another_batch_than_the_plans_is_refused(project):
    source = (project.pytester.path / "test_first.py").read_text().replace("batch1", "batch2")
    refused(project.test("first", source).run(), "marked batch2, but FIRST is of batch1 in k1n.toml")
