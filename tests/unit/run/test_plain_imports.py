"""The finder that spares this package's modules the rewriting of their asserts."""

import sys
from importlib.machinery import SourceFileLoader

from pytest_k1n.run.plain_imports import PlainImports, import_plainly


def test_a_module_of_the_package_is_found_with_pythons_own_loader():
    spec = PlainImports().find_spec("pytest_k1n.core.plan", __import__("pytest_k1n.core").core.__path__)
    assert isinstance(spec.loader, SourceFileLoader)
    assert spec.origin.endswith("pytest_k1n/core/plan.py")


def test_other_packages_are_left_to_others():
    assert [PlainImports().find_spec(name, None) for name in ("json", "pytest_k1nx", "pytest_k1n", "test_x")] == [
        None
    ] * 4


def test_the_finder_stands_first_and_steps_back_once():
    before = list(sys.meta_path)
    step_back = import_plainly()
    assert isinstance(sys.meta_path[0], PlainImports)
    assert sys.meta_path[1:] == before
    step_back()
    assert sys.meta_path == before
    step_back()
    assert sys.meta_path == before
