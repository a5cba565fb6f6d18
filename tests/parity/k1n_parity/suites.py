"""The named sets of cases: what is recorded, compared offline and run live."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from k1n_parity.catalogue import catalogue
from k1n_parity.grammar import generate
from k1n_parity.matrix import matrix_cases
from k1n_parity.mocking import mocking_cases
from k1n_parity.operations import operation_cases
from k1n_parity.requests import request_cases
from k1n_parity.waiting import waiting_cases
from pytest_k1n.conformance.cases import Case

GENERATED = 600


def generated_cases() -> Iterator[Case]:
    """Yield the fixed seed set."""
    yield from map(generate, range(GENERATED))


SUITES: Mapping[str, Callable[[], Iterator[Case]]] = {
    "catalogue": catalogue,
    "operations": operation_cases,
    "requests": request_cases,
    "waiting": waiting_cases,
    "mocks": mocking_cases,
    "generated": generated_cases,
    "matrix": matrix_cases,
}
