import pytest

from pytest_k1n.client.address import Address, BadAddress, is_on_this_machine, redact, urls_in
from pytest_k1n.client.credentials import BadToken, token_headers
from pytest_k1n.client.transport import HttpTransport, transport_for


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("http://h:1/api/", "http://h:1"),
        ("http://h:1", "http://h:1"),
        (" http://h:1/ ", "http://h:1"),
        ("http://H:80/api", "http://h"),
        ("https://h:443/conductor/api", "https://h/conductor"),
        ("http://[::1]:8080/api", "http://[::1]:8080"),
        ("http://me:pw@h:1/api", "http://h:1"),
    ],
)
def test_equal_servers_have_equal_urls(typed, url):
    assert Address.parse(typed).url == url


@pytest.mark.parametrize(
    "typed",
    ["", "localhost:8080", "ftp://h", "http://", "http://h:99999", "http://h:x", "http://h/?a=1", "http://h/a b"],
)
def test_what_is_no_server_url_is_refused_in_one_line(typed):
    with pytest.raises(BadAddress, match="is not a server URL") as caught:
        Address.parse(typed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("typed", ["ftp://me:hunter2@h", "http://me:hunter2@h:99999", "http://me:hunter2@h/?a"])
def test_a_refusal_never_shows_the_password(typed):
    with pytest.raises(BadAddress) as caught:
        Address.parse(typed)
    assert "hunter2" not in str(caught.value)


def test_the_password_is_in_no_representation():
    address = Address.parse("http://me:hunter2@127.0.0.1:1/api")
    shown = f"{address!r} {address.url} {transport_for('http://me:hunter2@127.0.0.1:1', environ={})!r}"
    assert address.authorization == "Basic bWU6aHVudGVyMg=="
    assert "hunter2" not in shown
    assert "bWU6" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:1/?token=hunter2", "http://127.0.0.1:1/#hunter2", "hunter2@127.0.0.1:1",
        "http://a:hunter2@[::1", "me:hunter2@127.0.0.1", "http://me:hunter2@127.0.0.1:99999/?token=hunter2",
        "//me:hunter2@h:1",
        "http://m e:hunter2@h",
        "http://me:hun hunter2@h", "me:a\thunter2 b@h", "http://me:hunter2 @h:80?x",
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_address_is_said_without_its_secret(text):
    with pytest.raises(BadAddress) as caught:
        Address.parse(text)
    assert "hunter2" not in str(caught.value)


def test_redaction_hides_parameters_that_are_secrets_by_their_names():
    text = "http://h/api?access_token=hunter2&page=3#sig=hunter2 and ?API-Key=hunter2"
    assert redact(text) == "http://h/api?access_token=***&page=3#sig=*** and ?API-Key=***"
    assert redact("?page=3&keyword") == "?page=3&keyword"


def test_redaction_hides_every_userinfo_and_nothing_else():
    assert redact("hunter2@127.0.0.1:8080 and hunter2@[::1]:80; mail me@home, at 5:30") == (
        "***@127.0.0.1:8080 and ***@[::1]:80; mail me@home, at 5:30"
    )
    assert redact("no http://u:hun ter2@h:80 and http:/u:hun ter2@h") == "no http://***@h:80 and http:/***@h"
    assert redact("http://h:80 is a@home, http://h: a@home") == "http://h:80 is a@home, http://h: a@home"
    assert redact("http://a:b@h/x and https://c@d, mail me@home") == "http://***@h/x and https://***@d, mail me@home"


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:8080", True),
        ("http://127.3.2.1", True),
        ("http://[::1]:1", True),
        ("http://localhost.example.org", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_is_told_from_other_hosts(url, loopback):
    assert Address.parse(url).is_loopback is loopback


def test_a_proxy_is_not_asked_for_loopback():
    environ = {"http_proxy": "http://127.0.0.1:3128"}
    assert isinstance(transport_for("http://localhost:1", environ=environ), HttpTransport)
    assert not isinstance(transport_for("http://conductor.invalid", environ=environ), HttpTransport)
    assert not isinstance(transport_for("https://localhost:1", environ={}), HttpTransport)


def test_the_token_comes_from_the_environment_or_a_file(tmp_path):
    kept = tmp_path / "token"
    kept.write_text("from-file\n")
    assert token_headers({}) == {}
    assert token_headers({"K1N_TOKEN": "direct"}) == {"X-Authorization": "direct"}
    assert token_headers({"K1N_TOKEN_FILE": str(kept)}) == {"X-Authorization": "from-file"}


def test_a_token_that_cannot_be_read_is_refused_by_its_source(tmp_path):
    with pytest.raises(BadToken, match=r"K1N_TOKEN_FILE .* cannot be read: No such file"):
        token_headers({"K1N_TOKEN_FILE": str(tmp_path / "none")})


def test_a_token_of_two_lines_cannot_add_a_header_and_is_not_shown():
    with pytest.raises(BadToken) as caught:
        token_headers({"K1N_TOKEN": "abc\r\nX-Evil: 1"})
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "user:secret@127.0.0.1:18500",
        "http://user:secret@[::1",
        "http://user:se/cret@127.0.0.1:18500",
        "http://user:s@cret@127.0.0.1:18500/x?y",
        "ftp://user:secret@host",
        "postgres:secret@db.example.com",
    ],
)
def test_no_mistake_in_an_address_shows_a_password(text):
    with pytest.raises(BadAddress) as caught:
        Address.parse(text)
    assert "cret" not in str(caught.value)
    assert "se" not in str(caught.value).replace("server", "").replace("***", "")


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("http://a:1", ("http://a:1",)),
        ("http://a:1,http://b:2/api", ("http://a:1", "http://b:2/api")),
        ("https://u:p,w@a:1,http://b:2", ("https://u:p,w@a:1", "http://b:2")),
    ],
)
def test_several_urls_are_parted_and_a_password_keeps_its_comma(text: str, urls: tuple[str, ...]) -> None:
    assert urls_in(text) == urls


def test_several_urls_are_on_this_machine_only_if_each_is() -> None:
    assert is_on_this_machine("http://127.0.0.1:1,http://localhost:2")
    assert not is_on_this_machine("http://127.0.0.1:1,http://example.com:2")
