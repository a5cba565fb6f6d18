"""What becomes of requests before they are sent: each row is what Conductor 3.32.1 said when it was asked."""

import pytest

from pytest_k1n.core.definition.httprequests import refusal, request_of, unreadable

U = "http://127.0.0.1:9/x"
ILLEGAL = "java.lang.IllegalArgumentException: "
MEDIA = "org.springframework.http.InvalidMediaTypeException: Invalid mime type "
IO = "java.lang.Exception: I/O error on GET request for "
NO_HOST = "Target host is not specified"
REFUSED = [
    ({"method": "GET"}, "Missing HTTP URI.  See documentation for HttpTask for required input parameters"),
    ({"uri": None, "method": "GET"}, "Missing HTTP URI.  See documentation for HttpTask for required input parameters"),
    ({"uri": U, "method": None}, "No HTTP method specified"),
    ({"uri": U, "method": ""}, ILLEGAL + "Invalid HTTP method: "),
    ({"uri": U, "method": "get"}, ILLEGAL + "Invalid HTTP method: get"),
    ({"uri": U, "method": "GET "}, ILLEGAL + "Invalid HTTP method: GET "),
    ({"uri": U, "method": "CONNECT"}, ILLEGAL + "Invalid HTTP method: CONNECT"),
    ({"uri": U, "method": 5}, ILLEGAL + "Invalid HTTP method: 5"),
    ({"uri": ""}, IO + f'"": {NO_HOST}'),
    ({"uri": "/x"}, IO + f'"/x": {NO_HOST}'),
    ({"uri": "null/x"}, IO + f'"/null/x": {NO_HOST}'),
    ({"uri": "example.com/x"}, IO + f'"/example.com/x": {NO_HOST}'),
    ({"uri": 5}, IO + f'"/5": {NO_HOST}'),
    ({"uri": "//127.0.0.1/x"}, IO + '"//127.0.0.1/x": Protocol scheme is not specified'),
    ({"uri": "http:/127.0.0.1/x"}, IO + f'"http:/127.0.0.1/x": {NO_HOST}'),
    ({"uri": "http:///x"}, IO + f'"http:///x": {NO_HOST}'),
    ({"uri": "file:///etc/hostname"}, IO + f'"file:///etc/hostname": {NO_HOST}'),
    ({"uri": "ftp://127.0.0.1/x"}, IO + '"ftp://127.0.0.1/x": Unroutable protocol scheme: ftp://127.0.0.1'),
    ({"uri": "127.0.0.1:80/x"}, ILLEGAL + "Illegal character in scheme name at index 0: 127.0.0.1:"),
    ({"uri": " http://127.0.0.1/x"}, ILLEGAL + "Illegal character in scheme name at index 0: %20http://127.0.0.1/x"),
    ({"uri": "localhost:8080/x"}, ILLEGAL + "Expected scheme-specific part at index 10: localhost:"),
    ({"uri": "mailto:x@y"}, ILLEGAL + "Expected scheme-specific part at index 7: mailto:"),
    ({"uri": "http://a b/x"}, "org.springframework.web.util.InvalidUrlException: Bad authority"),
    ({"uri": "http://127.0.0.1:abc/x"}, "org.springframework.web.util.InvalidUrlException: Bad authority"),
    (
        {"uri": "http://127.0.0.1:99999/x"},
        ILLEGAL + "Port number(Use -1 to specify the scheme default port): 99999 is out of range [-1, 65535]",
    ),
    ({"uri": f"{U}?a={{b}}"}, ILLEGAL + "Not enough variable values available to expand 'b'"),
    ({"uri": "${x}/x"}, ILLEGAL + "Not enough variable values available to expand 'x'"),
    ({"uri": f"{U}/{{id:\\d+}}"}, ILLEGAL + "Not enough variable values available to expand 'id'"),
    ({"uri": f'{U}?q={{"a":1}}'}, ILLEGAL + "Not enough variable values available to expand '\"a\"'"),
    ({"uri": "http://null/x"}, IO + '"http://null/x": null: Name or service not known'),
    (
        {"uri": U, "headers": None},
        'java.lang.NullPointerException: Cannot invoke "java.util.Map.forEach(java.util.function.BiConsumer)" because '
        '"input.headers" is null',
    ),
    ({"uri": U, "contentType": None}, MEDIA + "\"null\": 'mimeType' must not be empty"),
    ({"uri": U, "contentType": ""}, MEDIA + "\"\": 'mimeType' must not be empty"),
    ({"uri": U, "contentType": "nonsense"}, MEDIA + "\"nonsense\": does not contain '/'"),
    ({"uri": U, "contentType": "*/*"}, ILLEGAL + "Content-Type cannot contain wildcard type '*'"),
    ({"uri": U, "accept": ""}, MEDIA + "\"\": 'mimeType' must not be empty"),
    (
        {"uri": U, "accept": "application/json, text/plain"},
        MEDIA + '"application/json, text/plain": Invalid token character \',\' in token "json, text/plain"',
    ),
    (
        {"uri": U, "accept": "application / json"},
        MEDIA + '"application / json": Invalid token character \' \' in token "application "',
    ),
    ({"uri": U, "readTimeOut": -1}, ILLEGAL + "duration must not be negative: -1"),
]
SENT = [
    {}, {"method": "PATCH"}, {"method": "HEAD"}, {"uri": f"{U}?a=b c"}, {"uri": f"{U}/{{}}"}, {"uri": f"{U}/{{id"},
    {"uri": f"{U}/null"}, {"uri": "HTTP://127.0.0.1/x"}, {"uri": f'{U}?a=%zz&b=[1]|"x"\\é#y '}, {"uri": "http://[::1]:80/"},
    {"headers": {"A": None, "B": ["1", "2"], "C": 1}}, {"accept": None}, {"accept": ["application/json"]},
    {"contentType": "application/json; charset=utf-8"}, {"readTimeOut": "3000"}, {"readTimeOut": None}, {"body": 5},
    {"uri": "http://user:secret@host.example:8080/x"}, {"uri": "http://a_b.invalid/x"}, {"foo": 1},
]  # fmt: skip
NEVER_READ = [
    ("http_request", {"http_request": "x"}), ("http_request", {"http_request": [1]}), ("uri", {"uri": {"a": 1}}),
    ("uri", {"http_request": {"uri": [U]}}), ("headers", {"uri": U, "headers": ["A"]}),
    ("readTimeOut", {"uri": U, "readTimeOut": "3s"}), ("connectionTimeOut", {"uri": U, "connectionTimeOut": {}}),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "reason"), REFUSED)
def test_a_request_that_is_not_sent_fails_in_the_servers_words(request_, reason):
    given = {"method": "GET", **request_}
    found = refusal(given)
    assert found is not None
    assert found.reason.removeprefix("Failed to invoke HTTP task due to: ") == reason


@pytest.mark.parametrize("request_", SENT)
def test_whatever_else_is_odd_is_sent(request_):
    given = {"uri": U, "method": "GET", **request_}
    assert (unreadable(given), refusal(given)) == (None, None)


@pytest.mark.parametrize(("field", "inputs"), NEVER_READ)
def test_what_cannot_be_read_is_never_tried(field, inputs):
    found = unreadable(inputs)
    assert found is not None
    assert found.field == field


def test_a_request_without_a_method_is_not_sent():
    assert refusal({"uri": U}) == ("method", "No HTTP method specified", "")


def test_the_request_is_what_http_request_says_else_the_inputs():
    assert request_of({"http_request": {"uri": U}, "uri": None}) == {"uri": U}
    assert request_of({"uri": U}) == {"uri": U}
