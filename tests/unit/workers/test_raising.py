"""What a handler has raised, as the lines of its task's log."""

import pytest

from pytest_k1n.workers.raising import log_of


def raised(error: BaseException) -> BaseException:
    """Return an exception that has been raised here, with its traceback."""
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def test_a_short_one_is_whole():
    lines = log_of(raised(ValueError("declined\nby the bank")))
    assert lines[0] == "ERROR Traceback (most recent call last):"
    assert lines[1].endswith("in raised")
    assert lines[-2:] == ["ERROR ValueError: declined", "ERROR by the bank"]


@pytest.mark.parametrize("words", [12, 400])
def test_a_long_message_leaves_room_for_where_it_was_raised(words):
    lines = log_of(raised(AssertionError("\n".join(f"word {at}" for at in range(words)))))
    assert lines[0] == "ERROR Traceback (most recent call last):"
    assert lines[1].endswith("in raised")
    assert lines[-5:] == [
        "ERROR AssertionError: word 0",
        *(f"ERROR word {at}" for at in (1, 2, 3)),
        f"ERROR ({words - 4} more lines of the message)",
    ]


def test_of_a_deep_one_the_last_frames_are_told():
    def deep(times: int) -> None:
        if times:
            deep(times - 1)
            return  # so that each call has its own line
        raise ValueError("\n".join("abcdefgh"))

    try:
        deep(30)
    except ValueError as error:
        lines = log_of(error)
    assert len(lines) == 12
    assert 'raise ValueError("' in "".join(lines)
    assert lines[-1] == "ERROR (4 more lines of the message)"
