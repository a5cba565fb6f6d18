"""Which checks are wanted is said in pyproject.toml, in k1n.toml, on the command line, or in a definition itself."""

import json

import pytest

from k1n_support.lint_examples import A, fork, join, reader, task, workflow
from pytest_k1n.lint.check import Level
from pytest_k1n.lint.check_selection import BadSelection, Selection, read_selection, with_command_line
from pytest_k1n.lint.judge import lint
from pytest_k1n.lint.source_file import SourceFile

BAD = workflow(fork([A], [task("b")]), join(), reader("c", "${a.result}"), timeoutSeconds=0)


def codes(document, selection=None, name="flows/w.json"):
    return sorted({each.code for each in lint([SourceFile(name, json.dumps(document))], selection).findings})


def test_everything_is_wanted_by_default():
    assert codes(BAD) == ["join-on-nothing", "no-workflow-timeout", "unknown-field"]


def test_select_and_ignore_take_patterns():
    assert codes(BAD, Selection(select=("join-*", "unknown-*"))) == ["join-on-nothing", "unknown-field"]
    assert codes(BAD, Selection(ignore=("*-timeout", "join-on-nothing"))) == ["unknown-field"]


@pytest.mark.parametrize("pattern", ["flows/*", "w.json", "*/w.json"])
def test_a_code_is_ignored_in_some_files(pattern):
    selection = Selection(per_file_ignores={pattern: ("join-*",)})
    assert "join-on-nothing" not in codes(BAD, selection)
    assert "join-on-nothing" in codes(BAD, selection, name="other/v.json")


def test_a_definition_and_a_task_say_in_their_metadata_what_is_meant():
    silent = {**BAD, "metadata": {"k1n-lint-ignore": ["no-workflow-timeout"]}}
    silent["tasks"] = [*BAD["tasks"][:1], {**BAD["tasks"][1], "metadata": {"k1n-lint-ignore": ["join-on-nothing"]}}]
    assert codes(silent) == []
    assert codes({**silent, "tasks": [*silent["tasks"], BAD["tasks"][2]]}) == ["unknown-field"]


def test_the_nearest_configuration_counts(tmp_path):
    inner = tmp_path / "services" / "orders"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.k1n.lint]\nignore = ["old-type"]\nfail-on = "warning"\n')
    (inner / "pyproject.toml").write_text("[project]\nname = 'orders'\n")
    assert read_selection(inner).ignore == ("old-type",)
    assert read_selection(inner).fail_on is Level.WARNING
    (inner / "k1n.toml").write_text('[lint]\nignore = ["join-*"]\nexclude = ["vendor/*"]\n')
    selection = read_selection(inner)
    assert selection.ignore == ("join-*",)
    assert selection.excludes(str(inner / "vendor" / "x.json"))


def test_without_a_configuration_everything_is_wanted(tmp_path):
    assert read_selection(tmp_path) == Selection()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('ignore = ["join-on-nothin"]', "no check is called 'join-on-nothin': did you mean join-on-nothing?"),
        ('ignores = ["x"]', "lint has no key 'ignores'"),
        ('ignore = "join-on-nothing"', "ignore must be a list of texts"),
        ('fail-on = "never"', "fail-on is 'never': write one of error, warning, info"),
        ("per-file-ignores = 3", "per-file-ignores must be a table"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line(tmp_path, text, said):
    (tmp_path / "k1n.toml").write_text(f"[lint]\n{text}\n")
    with pytest.raises(BadSelection) as caught:
        read_selection(tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_line_selects_instead_and_ignores_as_well():
    selection = with_command_line(
        Selection(select=("join-*",), ignore=("old-type",)),
        select=["unknown-*,no-*"],
        ignore=["bad-wait"],
        fail_on="info",
    )
    assert selection.select == ("unknown-*", "no-*")
    assert selection.ignore == ("old-type", "bad-wait")
    assert selection.fail_on is Level.INFO


def test_a_plan_may_hold_the_configuration_too(tmp_path):
    from pytest_k1n.plan.read import parse_plan
    from pytest_k1n.validation.schema import validate

    text = 'schema = "k1n-plan/1"\n[lint]\nignore = ["old-type"]\nfail-on = "warning"\n'
    (tmp_path / "k1n.toml").write_text(text)
    assert read_selection(tmp_path).ignore == ("old-type",)
    problems = []
    try:
        parse_plan(text, source="k1n.toml", folder=tmp_path)
    except ValueError as error:
        problems = list(error.problems)
    assert [each for each in problems if "lint" in each] == []
    document = {"schema": "k1n-plan/1", "lint": {"ignore": ["old-type"], "fail-on": "warning"}}
    assert [each for each in validate(document, "plan") if "lint" in each.path] == []


def test_a_release_that_lint_does_not_know_is_refused(tmp_path):
    (tmp_path / "k1n.toml").write_text('[lint]\nconductor = "3.15.0"\n')
    assert read_selection(tmp_path).conductor == "3.15.0"
    (tmp_path / "k1n.toml").write_text('[lint]\nconductor = "2.0"\n')
    with pytest.raises(BadSelection, match=r"conductor is '2\.0': lint knows 3\.32\.1 and 3\.15\.0"):
        read_selection(tmp_path)
