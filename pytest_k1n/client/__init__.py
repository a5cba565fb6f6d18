"""The REST client of a Conductor server: `Conductor(transport_for(url))`."""

from pytest_k1n.client.api import Conductor
from pytest_k1n.client.errors import ConductorError
from pytest_k1n.client.transport import Response, Transport, transport_for

__all__ = ["Conductor", "ConductorError", "Response", "Transport", "transport_for"]
