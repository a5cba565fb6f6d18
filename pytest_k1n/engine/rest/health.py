"""Health, version, configuration: who answers here."""

from __future__ import annotations

from pytest_k1n.engine.rest.request import TEXT, Reply, Request, Route

VERSION = "3.32.1-k1n-embedded"
"""The Conductor release whose behaviour this engine has, and that it is not that."""


def _health(_request: Request) -> Reply:
    return Reply(payload={"healthResults": [], "suppressedHealthResults": [], "healthy": True})


def _actuator(_request: Request) -> Reply:
    return Reply(payload={"status": "UP"})


def _version(_request: Request) -> Reply:
    return Reply(payload=VERSION, content_type=TEXT)


def _config(_request: Request) -> Reply:
    return Reply(payload={"version": VERSION, "engine": "embedded engine"})


ROUTES = (
    Route("GET", "/health", _health),
    Route("GET", "/actuator/health", _actuator),
    Route("GET", "/version", _version),
    Route("GET", "/admin/config", _config),
)
