"""The token that a guarded server asks for: taken from the environment or a file, never from an argument."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

TOKEN = "K1N_TOKEN"
TOKEN_FILE = "K1N_TOKEN_FILE"
HEADER = "X-Authorization"
"""Where Conductor's access-controlled servers look for the token."""
_LONGEST = 65_536
"""Bytes of a file that are read for a token."""


class BadToken(ValueError):
    """A token that cannot be read or sent; the message names its source, never its text."""


def token_headers(environ: Mapping[str, str]) -> dict[str, str]:
    """Build the headers that carry the token: none without `K1N_TOKEN` and `K1N_TOKEN_FILE`. Raises BadToken."""
    if token := environ.get(TOKEN):
        source = TOKEN
    elif path := environ.get(TOKEN_FILE):
        source = f"{TOKEN_FILE} ({path})"
        try:
            with Path(path).open("rb") as file:
                token = file.read(_LONGEST).decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a text file"
            raise BadToken(f"{source} cannot be read: {reason}") from None
    else:
        return {}
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise BadToken(f"{source} holds no token: expected one line of printable characters")
    return {HEADER: token}
