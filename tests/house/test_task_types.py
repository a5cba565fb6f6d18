"""A type of the server's own tasks is known in every place that lists them: nothing else would notice one left out."""

from pytest_k1n.conformance import case_tree
from pytest_k1n.core.words import INTEGRATION_TASK_TYPES, ORKES_TASK_TYPES, SYSTEM_TASK_TYPES
from pytest_k1n.engine.decide.forks import SYSTEM_TYPES
from pytest_k1n.engine.decide.mapping import MAPPERS
from pytest_k1n.engine.registry.refusals import REFUSED_TYPES
from pytest_k1n.lint.checks import outputs

BY_A_WORKER = {"SIMPLE", "DYNAMIC"}
ONLY_REFUSED = {"KAFKA_PUBLISH", "JDBC"}
FORKS = {"FORK_JOIN", "FORK_JOIN_DYNAMIC", "FORK"}
"""The definition's two and the record's one."""


def test_what_the_engine_schedules_is_known_to_the_core():
    assert MAPPERS.keys() - BY_A_WORKER <= SYSTEM_TASK_TYPES
    assert SYSTEM_TASK_TYPES - MAPPERS.keys() == {"FORK", "JDBC"}


def test_a_branch_of_a_dynamic_fork_can_be_whatever_the_engine_schedules():
    assert MAPPERS.keys() - FORKS - BY_A_WORKER - ONLY_REFUSED == SYSTEM_TYPES - FORKS


def test_conformance_knows_what_the_engine_schedules():
    assert set(case_tree.SYSTEM) - FORKS == SYSTEM_TYPES - FORKS


def test_lint_tells_the_outputs_of_types_that_there_are():
    assert outputs.KEYS.keys() <= SYSTEM_TASK_TYPES


def test_no_type_that_the_engine_runs_is_refused_or_another_servers():
    assert REFUSED_TYPES.keys() == ONLY_REFUSED | {"FORK"}
    assert not SYSTEM_TASK_TYPES & (INTEGRATION_TASK_TYPES | ORKES_TASK_TYPES)
