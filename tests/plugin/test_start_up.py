"""What a pytest run imports that has the plugin but does not use it; `python -m benchmarks P9` has the milliseconds."""

import os
import subprocess
import sys

import pytest

TELLING = """
import sys

def pytest_unconfigure(config):
    with open("modules.txt", "w") as file:
        file.write("\\n".join(sys.modules))
"""
ALLOWED = {
    "_queue", "queue",
    "pytest_k1n", "pytest_k1n.options", "pytest_k1n.plugin",
    "pytest_k1n.fixtures", "pytest_k1n.fixtures.definitions",
    "pytest_k1n.plan", "pytest_k1n.plan.find",
    "pytest_k1n.run", "pytest_k1n.run.ours", "pytest_k1n.run.plain_imports",
}  # fmt: skip
ALLOWED_WITH_A_PLAN = {
    *ALLOWED,
    "tomllib",
    "tomllib._parser",
    "tomllib._re",
    "tomllib._types",
    "pytest_k1n.plan.markers",
    "pytest_k1n.core",
    "pytest_k1n.core.text",
    "pytest_k1n.validation",
    "pytest_k1n.validation.bounded",
}
"""No HTTP, socket, asyncio or sqlite, nothing of third parties; of ours only what options, hooks and the plan are."""


def modules(folder, *arguments):
    """Run pytest on one trivial test, in a process of its own and without any other plugin; name what was imported.

    It is not measured under `make cover`: coverage brings modules of its own.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment = {**inherited, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    subprocess.run(argv, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=60)
    return set((folder / "modules.txt").read_text().split())


@pytest.fixture
def trivial(tmp_path):
    (tmp_path / "conftest.py").write_text(TELLING)
    (tmp_path / "test_trivial.py").write_text("def test_trivial():\n    pass\n")
    return tmp_path


def test_without_a_plan_next_to_nothing_is_imported(trivial):
    added = modules(trivial, "-p", "pytest_k1n.plugin") - modules(trivial)
    assert "pytest_k1n.plugin" in added
    assert added - ALLOWED == set()


def test_with_a_plan_only_what_reads_its_markers_is_imported(trivial, project):
    (trivial / "k1n.toml").write_text((project.pytester.path / "k1n.toml").read_text())
    added = modules(trivial, "-p", "pytest_k1n.plugin") - modules(trivial)
    assert "pytest_k1n.plan.markers" in added
    assert added - ALLOWED_WITH_A_PLAN == set()


def test_a_fixture_that_a_test_asks_for_while_it_runs_is_there_too(pytester):
    pytester.makepyfile("""
        def test_late(request, tmp_path):
            conductor = request.getfixturevalue("conductor")
            late = {"name": "LATE", "tasks": [{"name": "work", "taskReferenceName": "work", "type": "SIMPLE"}]}
            execution = conductor.run(late, handlers={"work": lambda context: {}})
            assert execution.execution.status == "COMPLETED"
    """)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


OWN = """
def test_own(conductor):
    tasks = [{"name": "work", "taskReferenceName": "work", "type": "SIMPLE"}]
    execution = conductor.run({"name": "OWN", "tasks": tasks}, handlers={"work": lambda task: {}})
    assert execution.status == "COMPLETED"
"""
OF_BATCHES = {
    "pytest_k1n.backends.launcher", "pytest_k1n.coordination.watch", "pytest_k1n.core.expectations",
    "pytest_k1n.core.gates", "pytest_k1n.core.baselines.regression", "pytest_k1n.history.store",
    "pytest_k1n.workers.worker", "jsonschema", "requests", "sqlite3", "http.server",
}  # fmt: skip


def test_a_test_that_starts_its_own_execution_brings_nothing_of_batches(trivial):
    (trivial / "test_trivial.py").write_text(OWN)
    brought = modules(trivial, "-p", "pytest_k1n.plugin")
    assert "pytest_k1n.engine.engine" in brought
    assert brought & OF_BATCHES == set()


IMPORTING = """
import sys, threading

def listen(event, arguments):
    if event == "import" and arguments[0].startswith("pytest_k1n"):
        if threading.current_thread() is not threading.main_thread():
            with open("in_threads.txt", "a") as file:
                file.write(arguments[0] + "\\n")

sys.addaudithook(listen)
"""


def test_the_directors_thread_imports_nothing_of_ours(project):
    project.file("conftest.py", IMPORTING)
    assert project.spawn().counts == {"passed": 3}
    found = project.pytester.path / "in_threads.txt"
    assert not found.exists() or found.read_text().split() == []


TELLING_LOADERS = """
import sys

def pytest_unconfigure(config):
    ours = {name: type(module.__loader__).__name__ for name, module in sys.modules.items() if "pytest_k1n." in name}
    with open("loaders.txt", "w") as file:
        file.write("\\n".join(name for name, loader in ours.items() if loader != "SourceFileLoader"))
"""


def test_pytest_rewrites_no_module_of_ours_that_a_feature_needs(project):
    assert project.file("conftest.py", TELLING_LOADERS).spawn().counts == {"passed": 3}
    rewritten = set((project.pytester.path / "loaders.txt").read_text().split())
    assert rewritten <= ALLOWED


@pytest.mark.parametrize(
    ("arguments", "variable", "value", "shown"),
    [
        (["--k1n-seed=3"], None, None, "virtual time, seed 3"),
        (["-o", "k1n_seed=3"], None, None, "virtual time, seed 3"),
        (["--k1n-sequential"], None, None, "virtual time, seed 0"),
        (["-o", "k1n_sequential=false"], None, None, "virtual time, seed 0"),
        ([], "K1N_SEED", "3", "virtual time, seed 3"),
        ([], "CONDUCTOR_SERVER_URL", "http://127.0.0.1:9/api", "server http://127.0.0.1:9, real time"),
    ],
)
def test_an_option_set_anywhere_makes_the_run_say_what_it_would_use(
    pytester, monkeypatch, arguments, variable, value, shown
):
    pytester.makepyfile("def test_trivial(): pass")
    if variable:
        monkeypatch.setenv(variable, value)
    assert shown in pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments).stdout.str()


def test_a_run_that_sets_nothing_says_nothing(pytester):
    pytester.makepyfile("def test_trivial(): pass")
    assert "k1n:" not in pytester.runpytest_inprocess("-p", "no:cacheprovider").stdout.str()


def test_with_a_plan_the_run_says_so_once_a_test_of_it_was_collected(project):
    text = project.run("-m", "batch1").text
    assert text.index("collected 3 items") < text.index("k1n: plan k1n.toml")
    assert text.count("k1n: plan") == 1
    for hiding in ("--no-header", "-q"):
        assert "k1n: plan" not in project.run("-m", "batch1", hiding).text


def test_with_an_option_the_run_says_so_at_its_start(project):
    text = project.run("-m", "batch1", "--k1n-seed=3").text
    assert text.index("k1n: plan k1n.toml") < text.index("collected 3 items")
    assert text.count("k1n: plan") == 1


def test_with_a_plan_a_run_that_has_no_test_of_it_is_left_alone(project):
    project.file("test_other.py", "def test_other(): pass").plan('schema = "k1n-plan/1"\nunknown = 1\n')
    outcome = project.run("test_other.py")
    assert outcome.counts == {"passed": 1}
    assert "k1n" not in outcome.text.partition("collected")[2]


@pytest.mark.parametrize(
    ("plan", "says"),
    [("schema = [", "not valid TOML"), ("[[batch]]\ntitle = 1\n", "number"), ("batch = 3\n", "batch")],
)
def test_a_plan_whose_markers_cannot_be_read_ends_every_run(project, plan, says):
    outcome = project.file("test_other.py", "def test_other(): pass").plan(plan).run("test_other.py")
    assert outcome.code == 4
    assert f"k1n.toml: {says}" in outcome.text or f"k1n.toml: batch[1].{says}" in outcome.text
