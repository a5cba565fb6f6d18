"""HTTP tasks, against a stub on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k1n_parity.catalogue.builders import case, simple, system
from pytest_k1n.conformance.cases import Case, Document
from pytest_k1n.conformance.stub import STUB


def http() -> Iterator[Case]:
    def request(path: str, method: str | None = "GET", **fields: Any) -> Document:
        return {"uri": f"{STUB}{path}", **({"method": method} if method else {}), **fields}

    requests: dict[str, Document] = {
        "GET": request("/json"),
        "GET, a list": request("/list"),
        "GET, text": request("/text", accept="text/plain"),
        "GET, a query": request("/asked?x=${workflow.input.a}"),
        "GET, headers": request("/asked", headers={"X-Case": "${workflow.input.b}"}),
        "GET, accept": request("/asked", accept="text/plain"),
        "no method": request("/asked", method=None),
        "lower case": request("/asked", method="get"),
        "nothing comes back": request("/empty"),
        "POST": request("/asked", "POST", body={"x": "${workflow.input.list}"}),
        "POST, text": request("/asked", "POST", body="words", contentType="text/plain"),
        "POST, nothing": request("/asked", "POST"),
        "PUT": request("/asked", "PUT", body=[1]),
        "DELETE": request("/asked", "DELETE"),
        "PATCH": request("/asked", "PATCH", body={}),
        "404": request("/status/404"),
        "500": request("/status/500"),
        "429": request("/status/429", "POST", body={}),
        "503": request("/status/503"),
        "503, read for less than the pause": request("/status/503", readTimeOut=900),
        "201": request("/status/201", "POST", body={}),
        "nobody there": {"uri": "http://127.0.0.1:9/", "method": "GET"},
        "no URI": {"method": "GET"},
    }
    for name, asked in requests.items():
        task = system("HTTP", "h", {"http_request": asked})
        yield case(f"HTTP, {name}", task, simple("t", {"got": "${h.output}"}), defs={"t": {}})
    flat = system("HTTP", "h", request("/json"))
    yield case("HTTP, without http_request", flat, simple("t", {"got": "${h.output}"}), defs={"t": {}})
    failing = system("HTTP", "h", {"http_request": request("/status/500")}, optional=True)
    yield case("HTTP, optional", failing, simple("t"), defs={"t": {}})
    retried = {**failing, "name": "case_h", "optional": False}
    yield case("HTTP, retried", retried, simple("t"), defs={"t": {}, "h": {"retryCount": 1}})
    open_ended = system("HTTP", "h", {"http_request": request("/json")}, asyncComplete=True)
    yield case("HTTP, asyncComplete", open_ended, simple("t"), defs={"t": {}})
