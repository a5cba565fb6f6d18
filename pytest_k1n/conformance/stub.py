"""A small HTTP server on loopback that HTTP tasks call: it answers the same way every time."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from pytest_k1n.conformance.cases import Case

STUB = "http://stub.invalid"
"""Stands in a case for where the stub listens; the driver puts that in its place, the normaliser puts it back."""


def calls_stub(case: Case) -> bool:
    """Whether a case has the server call it."""
    return STUB in json.dumps(case.document())


@contextmanager
def stub_of(case: Case) -> Iterator[str]:
    """Serve as long as a case runs, if it calls anybody; give the stub's URL, else an empty string."""
    if not calls_stub(case):
        yield ""
        return
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            serving.join()


class _Handler(BaseHTTPRequestHandler):
    """`/json`, `/list`, `/text`, `/empty`, `/status/N`; anything else tells what it was asked."""

    def answer(self) -> None:
        body = self.body().decode()
        path = self.path.partition("?")[0]
        if path.startswith("/status/"):
            return self.send(int(path.rpartition("/")[2]), "application/json", '{"error": "as asked"}')
        if path == "/empty":
            return self.send(204, None, "")
        asked = {name: self.asked(name) for name in ("Content-Type", "Accept", "X-Case")}
        told = {"method": self.command, "path": self.path, "headers": asked, "body": body}
        known = {
            "/json": ("application/json", '{"a": [1, 2.5, null], "b": true}'),
            "/list": ("application/json", "[1, 2]"),
            "/text": ("text/plain", "plain words"),
        }
        return self.send(200, *known.get(path, ("application/json", json.dumps(told))))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 (the names that the base class calls)

    def asked(self, name: str) -> str | None:
        """Return a header, joined by bars where it came several times."""
        values = self.headers.get_all(name)
        return None if values is None else " | ".join(values)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = b""
        while size := int(self.rfile.readline(), 16):
            chunks += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return chunks

    def send(self, status: int, kind: str | None, text: str) -> None:
        self.send_response_only(status)
        if kind is not None:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
        self.send_header("X-Stub", "one")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
