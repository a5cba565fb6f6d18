"""What a user imports: all of it from `pytest_k1n`, at the moment it is used."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_k1n

SOURCE = Path(pytest_k1n.__file__)


@pytest.mark.parametrize("name", pytest_k1n.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(pytest_k1n, name) is not None


def test_type_checkers_see_the_same_names() -> None:
    (block,) = [node for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body if isinstance(node, ast.If)]
    seen = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert sorted(seen | {"__version__"}) == sorted(pytest_k1n.__all__)


def test_every_expectation_is_public() -> None:
    from pytest_k1n.core import expectations

    assert set(expectations.__all__) <= set(pytest_k1n.__all__)


def test_every_exception_of_the_client_is_public() -> None:
    from pytest_k1n.client import errors

    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert {kind.__name__ for kind in kinds} <= set(pytest_k1n.__all__)


def test_a_star_import_brings_them_all() -> None:
    names: dict[str, object] = {}
    exec("from pytest_k1n import *", names)
    assert set(pytest_k1n.__all__) <= set(names)


def test_the_version_is_the_installed_one() -> None:
    assert pytest_k1n.__version__ == importlib.metadata.version("pytest-k1n")


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="'pytest_k1n' has no attribute 'no_such_name'"):
        _ = pytest_k1n.no_such_name


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    code = "import sys, pytest_k1n; print([each for each in sys.modules if each.startswith('pytest_k1n.')])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "[]\n"
