"""Server addresses: what a user types, split once into what may be shown and what must not."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

_DEFAULT_PORT = {"http": 80, "https": 443}
_USERINFO = re.compile(
    r"(?<=//)\S*@|(?:(?<=//)|(?<=:/)(?!/))[^\s/@:]*:(?!\d+(?:[/\s,;)'\"]|$))(?=\S)[^@\n]{0,200}@(?=[\w\[])"
    r"|[^\s/@:'\"]+:(?!//)[^\s@]*@(?=[\w\[])|[^\s/@:'\"=]+@(?=[\w.\[\]:-]+:\d)"
)
"""Up to the last `@` before a blank, because passwords hold slashes; past a blank where a port would be none; also
without a scheme: `me:secret@host`, and a token alone where a port follows, `secret@host:8080`."""
_PARAMETER = re.compile(
    r"(?<=[?&#;])([\w.-]*(?:token|secret|passw|pwd|key|auth|sig|credential)[\w.-]*=)[^\s&#;'\"]+", re.IGNORECASE
)
"""A parameter of a URL whose name says that it is a secret."""
_BEHIND = re.compile(r"[?#].*", re.DOTALL)
_BEFORE_HOST = re.compile(r"^(\w+:/*)?.*@", re.DOTALL)
"""Of a text that is an address and nothing else, whatever blanks and lines it holds."""


class BadAddress(ValueError):
    """A text that is no server address; its message never shows the userinfo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A Conductor server: where it is, and what authorises us there."""

    url: str
    """Without a trailing `/api` or slash, without userinfo: safe to print, equal for equal servers."""
    scheme: str
    host: str
    port: int
    prefix: str = ""
    """Path of a server behind a reverse proxy (`/conductor`), else empty."""
    authorization: str | None = field(default=None, repr=False)
    """Value of the Authorization header made of the userinfo."""

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read a URL, with or without `/api`. Raises BadAddress that says what is wrong."""
        without_userinfo = _BEFORE_HOST.sub(r"\1***@", text.strip())
        shown = _BEHIND.sub("", redact(without_userinfo))  # what follows the path may be a token
        try:
            parts = urlsplit(text.strip())
            port = parts.port
        except ValueError:  # its text quotes what stands where the port should, such as a piece of a password
            raise BadAddress(f"{shown!r} is not a server URL: host or port cannot be read") from None
        if parts.scheme not in _DEFAULT_PORT or not parts.hostname:
            raise BadAddress(f"{shown!r} is not a server URL: write it as in http://localhost:8080")
        if parts.query or parts.fragment:
            raise BadAddress(f"{shown!r} is not a server URL: leave out what follows the path")
        if not re.fullmatch(r"[\x21-\x7e]*", parts.netloc + parts.path):
            raise BadAddress(f"{shown!r} is not a server URL: it has a blank or a character outside ASCII")
        host = parts.hostname
        prefix = parts.path.rstrip("/").removesuffix("/api").rstrip("/")
        place = f"[{host}]" if ":" in host else host
        if port is not None and port != _DEFAULT_PORT[parts.scheme]:
            place += f":{port}"
        return cls(
            url=f"{parts.scheme}://{place}{prefix}",
            scheme=parts.scheme,
            host=host,
            port=port or _DEFAULT_PORT[parts.scheme],
            prefix=prefix,
            authorization=_basic(parts),
        )


def redact(text: str) -> str:
    """Hide the userinfo of every URL in a text, and parameters that are secrets by their names."""
    return _PARAMETER.sub(r"\1***", _USERINFO.sub("***@", text))


def _basic(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode("ascii")


def urls_in(text: str) -> tuple[str, ...]:
    """Part `URL,URL`: the servers of one Conductor. A comma that no URL follows belongs to a password."""
    return tuple(re.split(r",\s*(?=[a-z]+://)", text))


def is_on_this_machine(text: str) -> bool:
    """Tell whether a URL, or each of several, is on loopback. Raises BadAddress."""
    return all(Address.parse(each).is_loopback for each in urls_in(text))
