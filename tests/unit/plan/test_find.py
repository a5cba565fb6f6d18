"""Where a plan is found that nobody named."""

import pytest

from pytest_k1n.plan.find import PlanError, find_plan, plans_near

PLAN = 'schema = "k1n-plan/1"\n'


@pytest.fixture
def tree(tmp_path):
    def make(*paths):
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(PLAN)
        return tmp_path

    return make


def names(root, *args):
    return [str(path.relative_to(root)) for path in plans_near(args, root, root)]


def test_a_plan_is_found_upwards_of_a_test(tree):
    root = tree("shop/k1n.toml", "shop/tests/deep/test_x.py")
    assert names(root, "shop/tests/deep/test_x.py::test_x") == ["shop/k1n.toml"]


@pytest.mark.parametrize("name", ["k1n.toml", "plan.toml"])
def test_the_parent_folder_of_a_project_leads_to_its_plan(tree, name):
    root = tree(f"shop/{name}", "docs/page.md")
    assert names(root, str(root)) == [f"shop/{name}"]


def test_two_projects_below_lead_to_no_plan(tree):
    root = tree("shop/k1n.toml", "bank/k1n.toml")
    assert names(root, str(root)) == []
    assert names(root, "shop") == ["shop/k1n.toml"]


def test_a_plan_upwards_goes_before_one_below(tree):
    root = tree("k1n.toml", "shop/k1n.toml")
    assert names(root, str(root)) == ["k1n.toml"]


def test_hidden_folders_and_other_tools_plans_are_passed_over(tree):
    root = tree(".venv/k1n.toml")
    (root / "other").mkdir()
    (root / "other" / "plan.toml").write_text("[tool]\n")
    assert names(root, str(root)) == []
    assert names(root, "nowhere") == []


def test_a_folder_within_a_project_leads_to_the_plan_above_it(tree):
    root = tree("shop/k1n.toml", "shop/tests/deep/test_x.py")
    tests = root / "shop/tests"
    assert [*plans_near([str(tests)], tests, tests)] == [root / "shop/k1n.toml"]
    (tests / "pytest.ini").touch()
    assert [*plans_near([str(tests)], tests, tests)] == []
    assert [*plans_near(["deep"], tests / "deep", tests / "deep")] == []


def test_a_plan_that_is_a_link_to_itself_is_named(tmp_path):
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    with pytest.raises(PlanError, match=r"no plan file at .*loop\.toml"):
        find_plan([], tmp_path, "loop.toml", None)
