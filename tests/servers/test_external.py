"""A given URL is used or refused within seconds; an exported one never reaches a foreign host by accident."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pytest_k1n.servers import external
from pytest_k1n.servers.errors import NoAnswer, NotAConductor, ServerRefused, ServerTooOld
from pytest_k1n.servers.external import ExternalServer, defaults_for, server_from_environment, within
from pytest_k1n.servers.opening import open_server
from pytest_k1n.servers.protocol import Endpoint, Kind, ServerSpec, parse_server

Pages = dict[str, tuple[int, str, bytes]]
JSON, TEXT, HTML = "application/json", "text/plain", "text/html"
HEALTHY = (200, JSON, b'{"healthResults":[],"healthy":true}')


@pytest.fixture
def site() -> Iterator[Callable[[Pages], str]]:
    """Serve fixed pages; any other path is answered as Conductor does, with HTML and 200. `site.seen`: headers."""
    servers: list[ThreadingHTTPServer] = []

    def serve(pages: Pages) -> str:
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                serve.seen.append(dict(self.headers))  # type: ignore[attr-defined]
                status, kind, body = pages.get(self.path, (200, HTML, b"<html>the UI</html>"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if 300 <= status < 400:
                    self.send_header("Location", "/login")
                self.end_headers()
                self.wfile.write(body)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    serve.seen = []  # type: ignore[attr-defined]
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def look(url: str) -> Endpoint:
    return ExternalServer(parse_server(url), environ={}).start(time.monotonic() + 30)


@pytest.mark.parametrize("suffix", ["", "/", "/api", "/api/"], ids=str)
def test_a_conductor_is_accepted_with_and_without_api(site: Callable[[Pages], str], suffix: str) -> None:
    url = site({"/health": HEALTHY, "/api/version": (200, TEXT, b"3.32.1\n")})
    endpoint = look(url + suffix)
    assert (endpoint.kind, endpoint.version, endpoint.owned, endpoint.shown_url) == (Kind.URL, "3.32.1", False, url)


def test_the_actuator_will_do(site: Callable[[Pages], str]) -> None:
    pages = {"/actuator/health": (200, JSON, b'{"status":"UP"}'), "/api/version": (200, TEXT, b"v3.24.0-rc.18")}
    assert look(site(pages)).version == "v3.24.0-rc.18"


def test_a_page_of_html_is_no_health(site: Callable[[Pages], str]) -> None:
    with pytest.raises(NotAConductor, match="an HTML page") as caught:
        look(site({}))
    assert "\n" not in str(caught.value)


def test_a_login_in_front_is_not_followed(site: Callable[[Pages], str]) -> None:
    with pytest.raises(NotAConductor, match="GET /health -> 302"):
        look(site({"/health": (302, HTML, b""), "/login": HEALTHY}))


def test_an_unhealthy_conductor_is_not_used(site: Callable[[Pages], str]) -> None:
    with pytest.raises(NoAnswer, match="not healthy"):
        look(site({"/health": (503, JSON, b'{"healthy":false}')}))


def test_an_old_conductor_is_refused(site: Callable[[Pages], str]) -> None:
    with pytest.raises(ServerTooOld, match="a Conductor without /api/version"):
        look(site({"/health": HEALTHY}))
    with pytest.raises(ServerTooOld, match=r"Conductor 3\.21\.23: older than 3\.22"):
        look(site({"/health": HEALTHY, "/api/version": (200, TEXT, b"3.21.23")}))


def test_a_dead_port_fails_in_one_line_and_never_falls_back(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    spec = parse_server(f"http://127.0.0.1:{port}")
    with pytest.raises(NoAnswer) as caught, open_server(spec, run_uid="r1", folder=tmp_path / "x"):
        pass
    text = str(caught.value)
    assert "connection refused" in text
    assert "\n" not in text
    assert not (tmp_path / "x").exists()


def test_a_server_that_accepts_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external, "ANSWER_WITHIN_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(NoAnswer, match="no answer"):
        look(f"http://127.0.0.1:{server.getsockname()[1]}")


def test_credentials_are_sent_and_never_shown(site: Callable[[Pages], str]) -> None:
    url = site({"/health": HEALTHY, "/api/version": (200, TEXT, b"3.32.1")})
    endpoint = look(url.replace("http://", "http://eve:s3cret@"))
    assert all(seen["Authorization"].startswith("Basic ") for seen in site.seen)  # type: ignore[attr-defined]
    assert "s3cret" not in repr(endpoint) + endpoint.shown_url
    assert "s3cret" not in repr(parse_server("http://eve:s3cret@h:1"))
    with pytest.raises(NoAnswer) as caught:
        look("http://eve:s3cret@127.0.0.1:1")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8080", "http://127.0.0.1:8080/api", "http://[::1]:8080", "http://127.9.9.9"],
    ids=str,
)
def test_an_exported_loopback_url_counts(url: str) -> None:
    spec = server_from_environment(url)
    assert (spec.kind, spec.url, spec.source) == (Kind.URL, url, "CONDUCTOR_SERVER_URL")


@pytest.mark.parametrize(
    "url",
    ["http://conductor.example.com/api", "https://10.0.0.7", "http://localhost.example.com", "http://0.0.0.0:8080"],
    ids=str,
)
def test_an_exported_url_of_another_host_is_refused(url: str) -> None:
    with pytest.raises(ServerRefused) as caught:
        server_from_environment(url)
    assert "\n" not in str(caught.value)
    assert "--k1n-server=http" in str(caught.value)


def test_an_exported_word_is_no_url() -> None:
    with pytest.raises(ValueError, match="CONDUCTOR_SERVER_URL: 'jar' is not a URL"):
        server_from_environment("jar")


@pytest.mark.parametrize(
    ("url", "owned", "expected"),
    [
        ("http://127.0.0.1:1", True, ("own", "missing")),
        ("http://localhost:1", False, ("own", "missing")),
        ("http://conductor.example.com", False, ("external", "never")),
    ],
    ids=["ours", "loopback", "foreign"],
)
def test_on_a_foreign_server_we_are_guests(url: str, owned: bool, expected: tuple[str, str]) -> None:
    endpoint = Endpoint(kind=Kind.URL, url=url, version="3.32.1", owned=owned)
    defaults = defaults_for(endpoint)
    assert (defaults.workers, defaults.register) == expected
    assert bool(defaults.reason) == (expected[0] == "external")


@pytest.mark.parametrize("word", ["jar", "JAR", "docker", "embedded", "auto"])
def test_kinds_are_words(word: str) -> None:
    assert parse_server(word).kind == word.lower()


@pytest.mark.parametrize("text", ["jra", "", "localhost:8080", "ftp://h", "http://", "http://h:x"], ids=repr)
def test_what_is_no_server_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^--k1n-server: ") as caught:
        parse_server(text)
    assert "\n" not in str(caught.value)


def test_a_question_without_end_is_given_up() -> None:
    gate = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, lambda: gate.wait(60))
    gate.set()
    with pytest.raises(ZeroDivisionError):
        within(30, lambda: 1 // 0)


def test_a_url_kind_without_a_url_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="needs a URL"):
        ExternalServer(ServerSpec(kind=Kind.URL))
