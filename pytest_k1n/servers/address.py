"""The address of a server: parsed once, shown without its secrets."""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_DEFAULT_PORT = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server listens; `path` is the prefix in front of `/api`, often empty."""

    scheme: str
    host: str
    port: int
    path: str = ""
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """The URL as it may be printed: no user, no password, no `/api`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORT[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def authorization(self) -> str | None:
        """The header that the userinfo of the URL stands for."""
        if not self.username and not self.password:
            return None
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")

    @property
    def is_loopback(self) -> bool:
        """Whether the host can only be this machine. A name other than localhost is never resolved: DNS may lie."""
        name = self.host.rstrip(".").lower()
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(name.split("%", 1)[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return bool((mapped or address).is_loopback)


def parse_address(url: str) -> Address:
    """Parse `http://host:8080`, with or without a trailing `/api`.

    Raises ValueError with one line that never repeats the userinfo.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise ValueError(f"the server's URL cannot be read ({error}): write http://host:port") from None
    if parts.scheme not in _DEFAULT_PORT or not parts.hostname:
        raise ValueError(f"{_without_userinfo(url)!r} is not a server's URL: write http://host:port or https://host")
    if parts.query or parts.fragment:
        raise ValueError(f"{_without_userinfo(url)!r}: a server's URL has no '?' and no '#'")
    path = parts.path.rstrip("/")
    return Address(
        scheme=parts.scheme,
        host=parts.hostname,
        port=_DEFAULT_PORT[parts.scheme] if port is None else port,
        path=path.removesuffix("/api").rstrip("/") if path.endswith("/api") else path,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def _without_userinfo(url: str) -> str:
    head, separator, tail = url.strip().partition("://")
    return head + separator + tail.rpartition("@")[2]
