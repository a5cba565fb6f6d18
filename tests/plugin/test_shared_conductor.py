"""What a fixture of module scope is told, and whose report shows what a shared execution was judged by."""

import pytest

MODULE = """
import pytest
from pytest_k1n import completed, not_scheduled

W = {"name": "w", "version": 1, "ownerEmail": "me@example.com",
     "tasks": [{"name": "a", "taskReferenceName": "a", "type": "SIMPLE"}]}

@pytest.fixture(scope="%s")
def execution(%s):
    return %s.run(W)

def test_first(execution):
    execution.expect(completed())

def test_second(execution):
    execution.expect(not_scheduled("a"))
"""


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
def test_a_scope_mismatch_says_what_to_use_instead(pytester, scope):
    pytester.makepyfile(MODULE % (scope, "conductor", "conductor"))
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*ask for `conductor_module` in a fixture of class or module scope*"])


def test_each_test_reports_what_it_has_judged_of_a_shared_execution(pytester):
    for scope in ("module", "session"):
        pytester.makepyfile(MODULE % (scope, f"conductor_{scope}", f"conductor_{scope}"))
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
        result.assert_outcomes(passed=1, failed=1)
        result.stdout.fnmatch_lines(["*_ test_second _*", "*expected*"])
