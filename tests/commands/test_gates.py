"""`k1n gates`: what is printed, the exit codes, and the workflow K1N_QUALITY_GATES that decides the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_k1n.cli import main
from pytest_k1n.client.errors import NotConductor
from pytest_k1n.commands import probes
from pytest_k1n.commands.gates import LINES
from pytest_k1n.core.gates import PROBES, CategoryVerdict, GateSettings, Quality, category, evaluate, judge, single
from pytest_k1n.core.model import worker_types
from pytest_k1n.core.record.observation import Observation, observe
from pytest_k1n.core.wire import wire
from pytest_k1n.plan.library import Library
from pytest_k1n.plan.read import load_plan
from pytest_k1n.servers.embedded import EmbeddedEngine
from pytest_k1n.servers.handlerworker import HandlerWorker
from pytest_k1n.validation.schema import problems_of
from pytest_k1n.workers.misbehaviour import Fault
from pytest_k1n.workers.registry import Handlers

ROOT = Path(__file__).parents[2]
PLAN = ROOT / "suites" / "plan.toml"


@dataclass
class Ran:
    """An execution on the embedded engine: as the server tells it, and as it is judged."""

    embedded: EmbeddedEngine
    document: dict[str, Any]
    observation: Observation

    def probed(self, settings: GateSettings) -> Any:
        """Judge it by an execution of K1N_QUALITY_GATES on the same engine."""
        workflow_id = self.observation.execution.workflow_id
        self.embedded.worker = HandlerWorker(
            Handlers(probes.handlers({workflow_id: self.observation}.__getitem__, settings))
        )
        self.embedded.serve(PROBES)
        started = self.embedded.client.start(probes.WORKFLOW, version=1, input={"workflow_id": workflow_id})
        self.embedded.drain()
        return wire.execution(self.embedded.client.execution(started))


@pytest.fixture
def ran() -> Callable[..., Ran]:
    plan, library = load_plan(PLAN), Library([ROOT / "fixtures/workflows"], [ROOT / "fixtures/tasks"])

    def run(workflow: str, *faults: str) -> Ran:
        template = plan.template_for(workflow)
        assert template is not None
        worker = HandlerWorker(
            Handlers(),
            estimates_ms={(workflow, ref): ms for ref, ms in template.estimates_ms.items()},
            faults=[Fault.parse(each) for each in faults],
        )
        embedded = EmbeddedEngine(worker)
        embedded.client.register_tasks(library.tasks)
        for each in library.workflows:
            embedded.client.register_workflows([each])
        embedded.serve(worker_types([library.workflow_definition(workflow)]))
        workflow_id = embedded.client.start(workflow, input=template.input)
        embedded.drain()
        document = embedded.client.execution(workflow_id)
        execution = wire.execution(document)
        logs = {
            task.task_id: tuple((int(line["createdTime"]), line["log"]) for line in embedded.client.logs(task.task_id))
            for task in execution.tasks
        }
        observation = observe(execution, template=template, time_model="virtual", logs=logs)
        return Ran(embedded, document, observation)

    return run


@pytest.fixture
def saved(ran, tmp_path) -> Callable[..., Path]:
    def save(workflow: str, *faults: str, **changes: Any) -> Path:
        path = tmp_path / "execution.json"
        path.write_text(json.dumps({**ran(workflow, *faults).document, **changes}))
        return path

    return save


def gates(*arguments: object) -> int:
    return main(["gates", *map(str, arguments), f"--plan={PLAN}", "--time=virtual"])


SETTINGS = GateSettings(workers="external", engine=True, validate=problems_of)


@pytest.mark.parametrize("faults", [(), ("K1N_TEMPLATE_03/task_6:slow=1.5", "K1N_TEMPLATE_03/task_4#0:fail=no disk")])
def test_the_probe_workflow_says_what_the_gates_say_directly(ran, faults):
    subject = ran("K1N_TEMPLATE_03", *faults)
    execution = subject.probed(SETTINGS)
    said = {each["id"]: each for each in execution.output["categories"]}
    assert list(said) == [gate.id for gate in PROBES.values()]
    for gate in PROBES.values():
        direct = judge(gate, single(subject.observation), SETTINGS)
        passing = "pass" if direct.verdict.is_pass else str(direct.verdict)
        assert said[gate.id]["verdict"].replace("skip", "pass") == passing
        assert (said[gate.id]["passed"], said[gate.id]["evaluated"]) == (direct.passed, direct.evaluated)


def test_what_the_probes_put_out_builds_the_same_judgement_again(ran):
    subject = ran("K1N_TEMPLATE_02", "K1N_TEMPLATE_02/task_7:fail=no disk")
    rebuilt = Quality(categories=probes.results(subject.probed(SETTINGS)), settings=SETTINGS, definitions=())
    direct = evaluate(single(subject.observation), SETTINGS)
    assert (rebuilt.rate, rebuilt.checks, rebuilt.verdict) == (direct.rate, direct.checks, direct.verdict)
    assert rebuilt.reasons == direct.reasons
    assert "blocking gate G1" in rebuilt.reasons[0]


def test_an_execution_that_cannot_be_read_fails_its_probes_with_the_reason(ran):
    subject = ran("K1N_TEMPLATE_01")
    subject.embedded.worker = HandlerWorker(Handlers(probes.handlers({}.__getitem__, SETTINGS)))
    subject.embedded.serve(PROBES)
    started = subject.embedded.client.start(probes.WORKFLOW, input={"workflow_id": "gone"})
    subject.embedded.drain()
    execution = wire.execution(subject.embedded.client.execution(started))
    assert {task.attempt for task in execution.tasks} == {0}  # a second look would read the same
    with pytest.raises(ValueError, match=r"probe_G\d+ of K1N_QUALITY_GATES .* judged nothing: .*gone cannot be judged"):
        probes.results(execution)


def test_the_definitions_are_those_of_the_fixtures():
    library = Library([ROOT / "fixtures/workflows"], [ROOT / "fixtures/tasks"])
    assert plain(probes.workflow_document()) == plain(library.workflow(probes.WORKFLOW))
    theirs = {document["name"]: document for document in library.tasks}
    for document in probes.task_documents():
        assert plain(document) == plain(theirs[document["name"]])


def plain(document: Any) -> Any:
    """A document without its descriptions, which may be worded otherwise."""
    if isinstance(document, list):
        return [plain(each) for each in document]
    if isinstance(document, dict):
        return {key: plain(value) for key, value in document.items() if key != "description"}
    return document


def test_a_saved_execution_passes_and_shows_every_category(saved, capsys):
    assert gates(saved("K1N_TEMPLATE_02")) == 0
    text = capsys.readouterr().out
    assert [line.split()[0] for line in text.splitlines()[3:23]] == [f"G{number}" for number in range(1, 21)]
    assert "G2   Ordering                            pass                   2/2 edges" in text
    assert text.splitlines()[-1].startswith("WARN: 100.0% of ")


def test_a_failed_execution_names_the_gate_and_exits_1(saved, capsys):
    assert gates(saved("K1N_TEMPLATE_02", "K1N_TEMPLATE_02/task_7:terminal=no disk")) == 1
    text = capsys.readouterr().out
    assert "G1   fail    task-failed: task_7: " in text
    assert "note     blocking gate G1 (Completion) failed" in text
    assert text.splitlines()[-1].startswith("FAIL: ")


def test_a_running_execution_is_not_judged(saved, capsys):
    assert gates(saved("K1N_TEMPLATE_02", status="RUNNING")) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "is still RUNNING: quality gates judge finished ones; k1n check tells how it stands" in captured.err


def test_many_findings_of_a_category_are_cut_off(ran, tmp_path, capsys):
    document = ran("K1N_22TASK_COMPLETE").document
    for task in document["tasks"]:
        task["outputData"] = {"artifact": 7}
    (tmp_path / "execution.json").write_text(json.dumps(document))
    assert gates(tmp_path / "execution.json") == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  G14 ")]
    assert len(lines) == 1 + LINES + 1
    assert lines[-1].endswith("and 17 more")


def test_json_holds_the_quality_document(saved, capsys):
    assert gates(saved("K1N_TEMPLATE_02"), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "warn"
    assert document["probes_workflow_id"] is None
    assert document["workflow"]["name"] == "K1N_TEMPLATE_02"
    assert [each["id"] for each in document["categories"]] == [f"G{number}" for number in range(1, 21)]


def test_a_lower_pass_rate_may_be_asked_for(saved, capsys):
    path = saved("K1N_TEMPLATE_02", output={})
    assert gates(path, "--min-pass-rate=99") == 1
    assert "at least 99.0% is asked for" in capsys.readouterr().out
    assert gates(path, "--min-pass-rate=50%") == 0
    with pytest.raises(SystemExit, match="2"):
        gates(path, "--min-pass-rate=many")
    assert "'many' is not a percentage from 0 to 100" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        ("{", "not JSON"),
        ("[]", "an execution is a JSON object"),
    ],
)
def test_what_cannot_be_judged_is_one_line_and_exit_2(tmp_path, capsys, content, said):
    path = tmp_path / "execution.json"
    if content is not None:
        path.write_text(content)
    assert gates(path) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("k1n gates: ")
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_an_id_without_a_server_says_how_to_name_one(capsys, monkeypatch):
    monkeypatch.delenv("K1N_SERVER", raising=False)
    assert gates("5f1c") == 2
    assert "--server URL" in capsys.readouterr().err


def test_a_category_that_is_exempt_counts_as_passed():
    assert CategoryVerdict.NOT_APPLICABLE.is_pass
    assert category("probe_G18").id == "G18"


def test_the_plan_of_the_current_folder_is_found(saved, tmp_path, monkeypatch, capsys):
    path = saved("K1N_TEMPLATE_02")
    (tmp_path / "k1n.toml").write_text(PLAN.read_text().replace("../fixtures", str(ROOT / "fixtures")))
    monkeypatch.chdir(tmp_path)
    assert main(["gates", str(path), "--time=virtual"]) == 0
    assert "no estimate" not in capsys.readouterr().out


def test_a_server_that_is_no_conductor_is_one_line_and_exit_2(capsys, monkeypatch):
    def refuse(url: str) -> Any:
        raise NotConductor("answered with a web page", method="GET", path="/api/workflow/5f1c", url=url)

    monkeypatch.setattr("pytest_k1n.commands.subject.transport_for", refuse)
    assert gates("5f1c", "--server=http://x") == 2
    error = capsys.readouterr().err
    assert error == "k1n gates: answered with a web page (http://x, GET /api/workflow/5f1c)\n"
