"""HTTP/1.1 by httptools, for clients that offer another protocol with their request: it is answered as if they had not.

Java's HttpClient and `curl --http2` send `Upgrade: h2c` with their first request, body and all. A server may ignore
that (RFC 9110, 7.8), and Conductor's does. The parser, however, takes what follows the head for the other protocol, and
the body is lost; so the head is parsed once more without the offer.
"""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_OFFER: Final = (b"upgrade", b"http2-settings")


class NoUpgrade(HttpToolsProtocol):
    """Reads a request that offers an upgrade like any other."""

    def data_received(self, data: bytes) -> None:
        """Parse what has come."""
        self._unset_keepalive_if_required()
        try:
            while data:
                data = self._parse(data)
        except HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def _parse(self, data: bytes) -> bytes:
        """Parse; return what is to be parsed then: nothing, or the same request without its offer. Raises."""
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            if self.parser.get_method() == b"CONNECT":
                raise HttpParserError("nothing is tunnelled") from None
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as the one it takes the place of
            return self._head() + data[offer.args[0] :]
        return b""

    def _head(self) -> bytes:
        """Write the head that was parsed, without the offer."""
        lines = [self.scope["method"].encode() + b" " + self.url + b" HTTP/" + self.scope["http_version"].encode()]
        for name, value in self.headers:
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                lines.append(b"connection: " + b", ".join(each for each in tokens if each.lower() not in _OFFER))
            elif name not in _OFFER:
                lines.append(name + b": " + value)
        return b"\r\n".join([*lines, b"", b""])

    def on_headers_complete(self) -> None:
        """Begin the answer, unless the head is parsed again."""
        if self.parser.should_upgrade():
            self.scope["method"] = self.parser.get_method().decode("ascii")
            self.scope["http_version"] = self.parser.get_http_version()
        else:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the body, unless it comes only now."""
        if not self.parser.should_upgrade():
            super().on_message_complete()
