"""The unit tests stand where the code stands that they test."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_folder_of_unit_tests_mirrors_a_folder_of_the_package():
    units = ROOT / "tests" / "unit"
    folders = {file.parent.relative_to(units) for file in units.rglob("test_*.py")} - {Path()}
    assert folders
    assert not [str(folder) for folder in folders if not (ROOT / "pytest_k1n" / folder / "__init__.py").is_file()]


def test_no_unit_test_lies_outside_the_folder_of_its_module():
    assert not [file.name for file in (ROOT / "tests" / "unit").glob("test_*.py")]
