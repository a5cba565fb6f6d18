"""What nothing but tests observe that are skipped on a server is not launched there."""

import pytest


def live(source):
    """Mark all tests of a module as needing a real server."""
    return source.replace("pytestmark = [", "pytestmark = [pytest.mark.live, ")


@pytest.fixture
def half(project):
    """Its second batch is for real servers only."""
    source = (project.pytester.path / "test_second_chain.py").read_text()
    return project.test("second_chain", live(source))


@pytest.mark.parametrize("nodes", [(), ("-n", "2")])
def test_a_batch_whose_tests_are_all_skipped_is_not_launched(half, nodes):
    outcome = (half.spawn if nodes else half.run)("-rs", *nodes)
    assert outcome.code == 0, outcome.text
    assert outcome.counts == {"passed": 1, "skipped": 2}
    assert "marked live" in outcome.text
    written = {path.name for path in (outcome.folder / "test-results").glob("template-*")}
    assert written == {"template-01-first-results.json"}


def test_it_is_where_one_test_is_not_skipped(half):
    outcome = half.test("more", MORE).run()
    assert outcome.code == 0, outcome.text
    assert outcome.counts == {"passed": 2, "skipped": 2}
    assert outcome.results("template-02-chain-results.json")["verdict"] == "pass"


def test_a_test_of_the_whole_batch_has_all_of_it_launched(half):
    outcome = half.test("more", WHOLE).run("-m", "batch2")
    assert outcome.counts == {"passed": 1, "skipped": 2, "deselected": 1}, outcome.text


MORE = """
import pytest
from pytest_k1n import completed

@pytest.mark.batch2
@pytest.mark.workflow("CHAIN")
def test_more(workflow_execution):
    workflow_execution.expect(completed())
"""

WHOLE = """
import pytest
from pytest_k1n import completed

@pytest.mark.batch2
def test_whole(batch_execution):
    batch_execution["CHAIN"].expect(completed())
"""
