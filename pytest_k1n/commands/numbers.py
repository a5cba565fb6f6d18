"""Numbers that options give as text, for argparse: what is none, or not in their range, is told by it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import isfinite


def above_zero(text: str) -> float:
    """Read a number above 0. Raises ArgumentTypeError, also for `nan` and `inf`, which are no numbers to people."""
    return checked(float, text, "a number above 0")


def count(text: str) -> int:
    """Read a whole number above 0. Raises ArgumentTypeError."""
    return int(checked(int, text, "a whole number above 0"))


def percentage(text: str) -> float:
    """Read `90%` or `90` as 0.9. Raises ArgumentTypeError."""
    try:
        read = float(text.removesuffix("%"))
    except ValueError:
        read = -1.0
    if not 0 <= read <= 100:  # of `nan`, too
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage from 0 to 100")
    return read / 100


def checked(parse: Callable[[str], float], text: str, wanted: str) -> float:
    """Read a finite number above 0 in a way of its own. Raises ArgumentTypeError that names what is `wanted`."""
    try:
        value = parse(text)
        is_good = isfinite(value) and value > 0
    except (ValueError, OverflowError):
        is_good = False
    if not is_good:
        raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
    return value
