"""An evaluation that looks only at what has changed shows what one that looks at everything does."""

import pytest

from k1n_parity.grammar import generate
from k1n_parity.matrix import matrix_cases
from k1n_parity.targets import EngineTarget
from pytest_k1n.conformance.driver import run
from pytest_k1n.conformance.normalise import canonical
from pytest_k1n.engine.engine import Engine

CASES = [*map(generate, range(2_000, 2_060)), *list(matrix_cases())[::12]]
looks_where_it_must = Engine.decide


@pytest.mark.parametrize("part", range(4))
def test_an_evaluation_finds_what_a_look_at_every_task_would_find(part, monkeypatch):
    for case in CASES[part::4]:
        shown = canonical(run(case, EngineTarget(), "engine_"))
        with monkeypatch.context() as patched:
            patched.setattr(Engine, "decide", lambda engine, execution, _=None: looks_where_it_must(engine, execution))
            assert canonical(run(case, EngineTarget(), "engine_")) == shown, case.name
