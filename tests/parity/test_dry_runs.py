"""Every definition of the catalogue, run dry: no exception but a refusal in words, no hang, and a text for each."""

from collections import Counter
from pathlib import Path

from k1n_parity.suites import SUITES
from pytest_k1n.client.errors import ConductorError
from pytest_k1n.commands.dryrun_text import document, text
from pytest_k1n.servers.dryrun import dry_run


def test_the_catalogue_runs_dry():
    """A second for a thousand definitions: the point is their number."""
    ends, running = Counter(), set()
    for case in (*SUITES["catalogue"](), *SUITES["waiting"]()):
        try:
            result = dry_run(
                case.workflows[0],
                input=case.input,
                children=case.workflows[1:],
                task_definitions=case.task_definitions,
            )
        except (ConductorError, ValueError) as error:
            refused = isinstance(error, ConductorError) or "a server refuses it: " in str(error)
            ends["refused" if refused else "broken"] += 1
        else:
            assert list(text(result, shown=Path("definition.json")))
            assert document(result)["executions"]
            ends[str(result.main.execution.status)] += 1
            running |= {case.name} if result.main.execution.status == "RUNNING" else set()
    assert ends["COMPLETED"] > 700
    dropping = ("a worker's task", "a task behind a NOOP", "a WAIT")
    assert running == {  # as on the server
        "FORK_JOIN, joinOn unknown", "DYNAMIC that names SUB_WORKFLOW without a name", "DYNAMIC that names FORK_JOIN",
        "a dynamic fork over a loop over two",
        *(f"DO_WHILE, keepLastN is {kept}, over {body}" for kept in (0, -1) for body in dropping),
    }  # fmt: skip
    assert ends["refused"] < 80
    assert ends["broken"] == 0
