"""Which files a recorded pass rests on."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import pytest_k1n
from pytest_k1n.run import testfiles
from pytest_k1n.run.testfiles import files_behind


@pytest.fixture
def project(tmp_path):
    """Write a project's files, and say which of them are behind some."""

    def behind(files, *modules, pythonpath=()):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return files_behind(SimpleNamespace(rootpath=tmp_path, getini=lambda _: list(pythonpath)), modules)

    return behind


def test_a_module_rests_on_itself_and_the_conftest_files_above_it(project):
    files = {"tests/a/test_x.py": "", "tests/conftest.py": "", "conftest.py": "", "tests/b/conftest.py": ""}
    assert project(files, "tests/a/test_x.py") == ["conftest.py", "tests/a/test_x.py", "tests/conftest.py"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import help", ["tests/help.py"]),
        ("import os, help as h", ["tests/help.py"]),
        ("from help import x", ["tests/help.py"]),
        ("def f():\n    import help", ["tests/help.py"]),
        ("import shared.deep.leaf", ["shared/__init__.py", "shared/deep/__init__.py", "shared/deep/leaf.py"]),
        ("from shared.deep import leaf", ["shared/__init__.py", "shared/deep/__init__.py", "shared/deep/leaf.py"]),
        ("from .help import x", ["tests/help.py"]),
        ("from . import help", ["tests/help.py"]),
        ("from ..shared import deep", ["shared/__init__.py", "shared/deep/__init__.py"]),
        ("import json", []),
        ("import", []),
    ],
)
def test_what_is_imported_counts_with_its_packages(project, line, found):
    files = {
        "tests/help.py": "x = 1",
        "shared/__init__.py": "",
        "shared/deep/__init__.py": "",
        "shared/deep/leaf.py": "",
    }
    assert project({**files, "tests/test_x.py": line}, "tests/test_x.py") == sorted([*found, "tests/test_x.py"])


def test_what_imports_each_other_and_what_lies_on_the_pythonpath_is_followed(project):
    files = {"test_x.py": "import one", "src/one.py": "import two", "src/two.py": "import one"}
    assert project(files, "test_x.py") == ["test_x.py"]
    assert project(files, "test_x.py", pythonpath=["src"]) == ["src/one.py", "src/two.py", "test_x.py"]


def test_what_is_installed_does_not_count(project):
    files = {"test_x.py": "import lib, pytest_k1n", "venv/lib/site-packages/lib.py": ""}
    assert project(files, "test_x.py", pythonpath=["venv/lib/site-packages"]) == ["test_x.py"]
    root = Path(pytest_k1n.__file__).parents[1]
    config = SimpleNamespace(rootpath=root, getini=lambda _: [])
    assert not [each for each in files_behind(config, ["suites/conftest.py"]) if each.startswith("pytest_k1n/")]


def test_no_more_than_so_many_files_are_followed(project, monkeypatch):
    monkeypatch.setattr(testfiles, "MOST", 5)
    chain = {f"m{number}.py": f"import m{number + 1}" for number in range(20)}
    assert len(project({**chain, "test_x.py": "import m0"}, "test_x.py")) == 5
