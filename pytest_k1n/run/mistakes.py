"""What a user has got wrong, as pytest shows it."""

from __future__ import annotations

import pytest

from pytest_k1n.client.address import redact


def told(what: object) -> pytest.UsageError:
    """Say it in one line, and of a URL that was given to another option no password."""
    return pytest.UsageError(redact(str(what)))
