"""Which requests a served engine lets in: those of programs on this machine, not those of a browser's pages."""

import pytest

from pytest_k1n.engine.serving.admission import Admission


def refused(headers, *, names=(), http_version="1.1"):
    """Return the status of the refusal, or None."""
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    refusal = Admission(names).refusal(pairs, http_version)
    return refusal and refusal.status


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "127.9.9.9", "[::1]:8080", "k1n.localhost:80", "localhost."]
)
def test_a_request_that_names_loopback_is_let_in(host):
    assert refused([("host", host)]) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "0.0.0.0",
        "", "2130706433", "notlocalhost", "[::ffff:10.0.0.1]",
    ],
)  # fmt: skip
def test_a_name_that_a_page_may_have_pointed_here_is_not(host):
    assert refused([("host", host)]) == 403


def test_a_name_that_was_allowed_is_let_in_whatever_its_port():
    assert refused([("host", "engine.test:8080")], names=["Engine.test"]) is None
    assert refused([("host", "other.test:8080")], names=["Engine.test"]) == 403


@pytest.mark.parametrize(("hosts", "version", "status"), [(0, "1.1", 400), (2, "1.1", 400), (0, "1.0", None)])
def test_one_host_is_named_but_by_the_oldest_clients(hosts, version, status):
    assert refused([("host", "localhost")] * hosts, http_version=version) == status


def test_what_was_decided_of_one_version_says_nothing_of_another():
    admission = Admission()
    assert admission.refusal([], "1.1") is not None
    assert admission.refusal([], "1.0") is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("origin", "http://evil.example")], 403),
        ([("origin", "null")], 403),
        ([("origin", "http://localhost:9999")], 403),
        ([("origin", "http://localhost:8080")], None),
        ([("origin", "http://evil.example"), ("access-control-request-method", "POST")], 403),
        ([("sec-fetch-site", "cross-site")], 403),
        ([("sec-fetch-site", "same-site")], 403),
        ([("sec-fetch-site", "same-origin")], None),
        ([("sec-fetch-site", "none")], None),
    ],
)
def test_a_page_of_another_origin_is_refused(headers, status):
    assert refused([("host", "localhost:8080"), *headers]) == status


def test_a_refused_host_is_told_how_it_is_let_in():
    refusal = Admission().refusal([(b"host", b"engine.test:80")])
    assert "--allow-host engine.test" in refusal.payload["message"]
