"""What ends an execution in the very evaluation in which something else could still happen."""

from __future__ import annotations

from collections.abc import Iterator

from k1n_parity.catalogue.builders import FAIL, case, failure_workflow, fork, loop, simple, switch, system
from pytest_k1n.conformance.cases import PREFIX, Case, ClientStep, Document


def coincidences() -> Iterator[Case]:
    defs: Document = {ref: {} for ref in ("t", "u", "f")}
    throwing = system("INLINE", "bad", {"evaluatorType": "javascript", "expression": "throw new Error('no')"})
    terminating = system("TERMINATE", "end", {"terminationStatus": "FAILED"})
    nothing = switch("x", {"y": [simple("u")]})
    for name, ending in {"a script error": throwing, "TERMINATE": terminating}.items():
        yield case(f"{name} in a loop", loop(simple("t"), ending), defs=defs)
        yield case(f"{name} first in a loop", loop(ending, simple("t")), defs=defs)
        yield case(f"{name} beside a loop", *fork([loop(simple("t"))], [ending]), defs=defs)
        yield case(f"{name} beside a loop in its course", *fork([loop(simple("t"))], [simple("u"), ending]), defs=defs)
        yield case(
            f"{name} beside a JOIN that could join", *fork([nothing], [ending], join={"joinOn": ["switch"]}), defs=defs
        )
        yield case(
            f"{name} inside a branch whose SWITCH is joined",
            *fork([switch("x", {"x": [ending]}, ref="taken")], [nothing]),
            defs=defs,
        )
    yield case(
        "a failure workflow after a permissive failure",
        simple("t", permissive=True),
        simple("u"),
        defs=defs,
        script={"t": [FAIL]},
        workflow={"failureWorkflow": f"{PREFIX}failure"},
        workflows=[failure_workflow()],
    )
    for kind, inputs in {"WAIT": {"duration": "1s"}, "INLINE": {"expression": "1 + 1"}}.items():
        yield case(
            f"rerun from a {kind}",
            simple("t"),
            system(kind, "op", inputs),
            simple("u"),
            defs=defs,
            steps=[ClientStep(operation="rerun", ref="op", body={"reRunFromTaskId": "{task}"})],
        )
