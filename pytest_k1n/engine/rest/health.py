"""Health, version, configuration: who answers here."""

from __future__ import annotations

from pytest_k1n.engine.dialect import CURRENT
from pytest_k1n.engine.rest.request import TEXT, Reply, Request, Route

VERSION = f"{CURRENT.conductor}-k1n-embedded"
"""The Conductor release whose behaviour this engine has by default, and that it is not that."""


def _health(_request: Request) -> Reply:
    return Reply(payload={"healthResults": [], "suppressedHealthResults": [], "healthy": True})


def _actuator(_request: Request) -> Reply:
    return Reply(payload={"status": "UP"})


def _info(request: Request) -> Reply:
    """Say what was built, in the server's form; it is no Conductor, and says so."""
    build = {"artifact": "pytest-k1n", "name": "embedded engine", "version": _version_of(request)}
    return Reply(payload={"build": build})


def _version(request: Request) -> Reply:
    return Reply(payload=_version_of(request), content_type=TEXT)


def _config(request: Request) -> Reply:
    return Reply(payload={"version": _version_of(request), "engine": "embedded engine"})


def _version_of(request: Request) -> str:
    return f"{request.engine.dialect.conductor}-k1n-embedded"


ROUTES = (
    Route("GET", "/health", _health),
    Route("GET", "/actuator/health", _actuator),
    Route("GET", "/actuator/info", _info),
    Route("GET", "/version", _version),
    Route("GET", "/admin/config", _config),
)
