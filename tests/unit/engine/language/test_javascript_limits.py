"""No script gets round its time limit, whatever it spends its time in."""

import pytest

from pytest_k1n.engine.language import scripts
from pytest_k1n.engine.language.scripts import ScriptError, Scripts


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(scripts, "TIME_LIMIT_S", 0.02)


ENDLESS = [
    "({get a() { while (true) {} }})",
    "try { while (true) {} } catch (e) { 1 }",
    "/(a+)+$/.test('a'.repeat(40) + 'b')",
    "new Array(5e8).join('x')",
    "new Array(4e8).sort()",
    "Array.prototype.join = function () { while (true); }; [1]",
    "throw Object.assign(new Error('x'), {toString() { while (true); }})",
]


@pytest.mark.parametrize("source", ENDLESS)
def test_no_script_gets_round_its_limit(impatient, source):
    with pytest.raises(ScriptError, match="interrupted"):
        Scripts().javascript(source, {})
