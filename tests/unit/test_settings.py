"""What is said of a value that an option cannot take."""

from pytest_k1n.settings import SettingError


def test_a_value_without_end_is_not_repeated_whole():
    assert len(str(SettingError(f"K1N_TIME: {'x' * 100_000!r} is none of real, scaled"))) < 2_100
