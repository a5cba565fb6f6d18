"""HTTP tasks as Conductor 3.32.1 sends and reads them: each row was asked of it, a small server behind."""

import gzip
import http.server
import json
import threading

import pytest

from pytest_k1n.core.definition.httprequests import encoded
from pytest_k1n.engine.runtime.httpcalls import parsed
from pytest_k1n.engine.runtime.httptransport import call_http

U = "http://127.0.0.1:9"


class _Answers(http.server.BaseHTTPRequestHandler):
    """Says what it was asked; leads elsewhere, packs or writes in another encoding where the path asks for it."""

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        said = {
            "method": self.command,
            "path": self.path,
            "body": self.rfile.read(length).decode(),
            "accept": self.headers.get("Accept"),
            "type": self.headers.get("Content-Type"),
        }
        status, headers, content = 200, {"Content-Type": "application/json"}, json.dumps(said).encode()
        if self.path.startswith("/to/"):
            status, headers["Location"] = int(self.path[4:]), "/target"
        elif self.path == "/gzip":
            headers["Content-Encoding"], content = "gzip", gzip.compress(b'{"z": 1}')
        elif self.path == "/latin":
            headers["Content-Type"], content = "text/plain", "hé".encode("latin-1")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content if status != 304 else b"")

    def do_POST(self):
        self.do_GET()

    def do_PUT(self):
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(bench, make, **request):
    task = make.of_type("HTTP", "call", inputParameters={"http_request": request})
    return bench.run(make.workflow(task)).task("call")


@pytest.mark.parametrize(
    ("status", "method", "then", "body"),
    [
        (301, "GET", "GET", ""),
        (301, "POST", "GET", ""),
        (302, "POST", "GET", ""),
        (302, "PUT", "PUT", '{"a":1}'),
        (303, "PUT", "GET", ""),
        (307, "POST", "POST", '{"a":1}'),
        (308, "POST", "POST", '{"a":1}'),
    ],
)
def test_a_redirection_is_followed(bench, make, address, status, method, then, body):
    given = {"a": 1} if method != "GET" else None
    task = run(bench, make, uri=f"{address}/to/{status}", method=method, body=given)

    seen = task.output["response"]["body"]
    assert (task.status, seen["path"], seen["method"], seen["body"]) == ("COMPLETED", "/target", then, body)


@pytest.mark.parametrize("status", [300, 304])
def test_an_answer_that_leads_nowhere_fails_the_task_and_shows_it(bench, make, address, status):
    task = run(bench, make, uri=f"{address}/to/{status}", method="GET")

    assert (task.status, task.reason) == ("FAILED", "No response from the remote service")
    assert (task.output["response"]["statusCode"], task.output["response"]["body"]) == (status, None)


def test_a_packed_body_is_unpacked_and_its_headers_are_not_shown(bench, make, address):
    response = run(bench, make, uri=f"{address}/gzip", method="GET").output["response"]

    assert response["body"] == {"z": 1}
    assert not {"Content-Encoding", "Content-Length"} & set(response["headers"])


def test_a_body_that_is_no_json_is_read_as_latin_1(bench, make, address):
    assert run(bench, make, uri=f"{address}/latin", method="GET").output["response"]["body"] == "hé"


def test_the_fields_of_a_request_win_over_headers_of_the_same_name(bench, make, address):
    headers = {"Accept": "x/y", "Content-Type": "text/plain", "X-Own": "1"}
    seen = run(bench, make, uri=address, method="POST", body="a=1", headers=headers).output["response"]["body"]
    listed = run(bench, make, uri=address, method="GET", accept=["a/b; q=0.5", "c/d"]).output["response"]["body"]

    assert (seen["accept"], seen["type"]) == ("application/json", "application/json")
    assert listed["accept"] == "a/b;q=0.5, c/d"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        (" \n", ""),
        ("42", 42.0),
        ("1.50", 1.5),
        ("true", "true"),
        ("null", "null"),
        ('"abc"', "abc"),
        ('{"a":1} x', {"a": 1}),
        ("[1]", [1]),
        ("42 apples", 42.0),
        ("42apples", "42apples"),
        ("{nope", "{nope"),
        ("NaN", "NaN"),
        ("hello", "hello"),
    ],
)
def test_a_body_is_json_if_it_begins_with_some(text, value):
    found = parsed(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("uri", "sent"),
    [
        (f"{U}/ä?x=ü", f"{U}/%C3%A4?x=%C3%BC"),
        (f"{U}/a%20b?x=%2F", f"{U}/a%2520b?x=%252F"),
        (f"{U}/a b?c=d e&f=g=h#i", f"{U}/a%20b?c=d%20e&f=g%3Dh"),
        (f"{U}?q", f"{U}?q"),
        (f"{U}/x?a=", f"{U}/x?a="),
    ],
)
def test_a_uri_is_encoded_whether_it_is_already_or_not(uri, sent):
    assert encoded(uri) == sent


@pytest.mark.parametrize(
    ("kind", "body", "java"),
    [
        ("text/plain", {"a": 1}, "java.util.LinkedHashMap"),
        ("application/x-www-form-urlencoded", [1], "java.util.ArrayList"),
        ("text/html", 5, "java.lang.Integer"),
        ("multipart/form-data", True, "java.lang.Boolean"),
    ],
)
def test_a_body_that_cannot_be_written_as_its_type_fails_the_task(bench, make, kind, body, java):
    task = run(bench, make, uri=U, method="POST", body=body, contentType=kind)

    said = f'No HttpMessageConverter for {java} and content type "{kind}"'
    assert task.reason == f"Failed to invoke HTTP task due to: java.lang.Exception: {said}"


def test_what_is_no_http_uri_is_not_opened():
    with pytest.raises(ValueError, match="not an HTTP URI"):
        call_http("GET", "file:///etc/hostname", {}, None, 1.0)


class _Closes(_Answers):
    """Closes the connection instead of its first answer to a path, or amid it."""

    asked: list[str] = []  # noqa: RUF012

    def do_GET(self):
        self.asked.append(f"{self.command} {self.path}")
        if self.path == "/never" or len(self.asked) == 1:
            self.close_connection = True
        elif self.path == "/half":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nabc")
            self.close_connection = True
        else:
            self.send_response(200, "Fine")
            self.end_headers()
            self.close_connection = True

    # do_POST and do_PUT are those of its parent


@pytest.fixture
def closing():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Closes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _Closes.asked.clear()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("method", "path", "status", "times"),
    [
        ("GET", "/", "COMPLETED", 2),
        ("PUT", "/", "COMPLETED", 2),
        ("POST", "/", "FAILED", 1),
        ("GET", "/never", "FAILED", 2),
    ],
)
def test_a_request_without_an_answer_is_sent_once_more_if_it_may_be(bench, make, closing, method, path, status, times):
    task = run(bench, make, uri=f"http://{closing}{path}", method=method)

    assert (task.status, len(_Closes.asked)) == (status, times)
    if status == "FAILED":
        assert task.reason.endswith(f'{method} request for "http://{closing}{path}": {closing} failed to respond')
    else:
        assert task.output["response"]["reasonPhrase"] == "OK"  # by its number, not as the answer had it


def test_a_body_that_is_cut_short_fails_the_task(bench, make, closing):
    task = run(bench, make, uri=f"http://{closing}/half", method="GET")

    assert task.reason.endswith(
        "Error while extracting response for type [class java.lang.String] and content type [text/plain]"
    )
