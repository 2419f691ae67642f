"""What the gateway refuses itself looks as if a function had refused it, and reaches none."""

import re
import ssl
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import httpx2 as httpx
import pytest

from shared.http.headers import REQUEST_ID
from tests.containers.conftest import Stack
from tests.containers.gateway import (
    REACHES,
    answer_of,
    check_told,
    functions_that_saw,
    new_id,
    second_gateway,
)
from tests.support.wire import Answer, first_answer

MEBIBYTE = 1024 * 1024
HEAD = b"Host: localhost\r\nX-Request-ID: MARK\r\n"
GET = b"GET /api/issues HTTP/1.1\r\n" + HEAD
POST = b"POST /api/auth/login HTTP/1.1\r\n" + HEAD + b"Content-Type: application/json\r\n"
END = b"\r\n"
CHUNK = b"10000\r\n" + b" " * 0x10000 + b"\r\n"

NO_HTTP = "The request is not HTTP as it should be."
HEAD_TOO_LARGE = "The head of the request is too large."
TOO_LONG = "The path and its query are too long."
TOO_LARGE = "A body may have 1 MiB."
NO_TLS = "This port speaks HTTPS."


class Told(NamedTuple):
    """What is sent and what is answered."""

    sent: bytes
    status: int
    code: str
    detail: str
    instance: str = ""


def no_http(sent: bytes, instance: str = "") -> Told:
    """What is refused as no HTTP; the path is told where it was understood."""
    return Told(sent, 400, "bad_request", NO_HTTP, instance)


TOLD = {
    "garbage": no_http(b"\x00\x01 garbage\r\n\r\n"),
    "method-in-lower-case": no_http(b"get /api/issues HTTP/1.1\r\n" + HEAD + END),
    "version-that-is-none": no_http(b"GET /api/issues HTTP/3.0\r\n" + HEAD + END),
    "tunnel": no_http(b"CONNECT localhost:443 HTTP/1.1\r\n" + HEAD + END),
    "path-above-the-root": no_http(b"GET /../etc/passwd HTTP/1.1\r\n" + HEAD + END),
    "path-with-half-an-escape": no_http(b"GET /api/issues/%zz HTTP/1.1\r\n" + HEAD + END),
    "path-with-U+0000": no_http(b"GET /api/issues/%00 HTTP/1.1\r\n" + HEAD + END),
    "no-host": no_http(b"GET /api/issues HTTP/1.1\r\n\r\n", "/api/issues"),
    "host-that-is-none": no_http(GET.replace(b"localhost", b"a b") + END, "/api/issues"),
    "length-that-is-none": no_http(POST + b"Content-Length: x\r\n\r\n", "/api/auth/login"),
    "coding-that-nobody-knows": no_http(POST + b"Transfer-Encoding: gzip\r\n\r\n", "/api/auth/login"),
    "chunk-that-is-none": no_http(POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "/api/auth/login"),
    "long-header": Told(GET + b"X: " + b"a" * 9000 + b"\r\n\r\n", 400, "bad_request", HEAD_TOO_LARGE, "/api/issues"),
    "many-headers": Told(GET + b"X: aaaaaaaa\r\n" * 4000 + END, 400, "bad_request", HEAD_TOO_LARGE, "/api/issues"),
    "long-path": Told(b"GET /api/" + b"a" * 9000 + b" HTTP/1.1\r\n" + HEAD + END, 414, "bad_request", TOO_LONG),
    "long-query": Told(b"GET /api/issues?" + b"a" * 9000 + b" HTTP/1.1\r\n" + HEAD, 414, "bad_request", TOO_LONG),
    "nothing-there": Told(GET.replace(b"issues", b"x") + END, 404, "not_found", "There is nothing here.", "/api/x"),
    "nothing-there-in-quotes": Told(GET.replace(b"issues", b'"\\') + END, 404, "not_found", "There is nothing here."),
    "nothing-there-in-UTF-8": Told(
        GET.replace(b"issues", "é".encode()) + END, 404, "not_found", "There is nothing here."
    ),
    "no-such-method": Told(
        GET.replace(b"GET", b"BREW") + END,
        405,
        "method_not_allowed",
        "This method is not offered here.",
        "/api/issues",
    ),
    "body-too-large": Told(
        POST + b"Content-Length: %d\r\n\r\n" % (MEBIBYTE + 1), 413, "payload_too_large", TOO_LARGE, "/api/auth/login"
    ),
    "body-too-large-that-waits": Told(
        POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (MEBIBYTE + 1),
        413,
        "payload_too_large",
        TOO_LARGE,
        "/api/auth/login",
    ),
    "body-too-large-in-chunks": Told(
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK * 16 + b"1\r\n \r\n0\r\n\r\n",
        413,
        "payload_too_large",
        TOO_LARGE,
        "/api/auth/login",
    ),
}

TAKEN_OVER = ("a", "0", "A.b_c-9", "...", "x" * 128)
REPLACED = ("", "a b", "a/b", "a,b", 'a"b', "a\\b", "a;b", "é", "<a>", "x" * 129, "${request_id}", "a\tb")


class Sent(NamedTuple):
    """An answer, and the functions that say that they have seen the request."""

    id: str
    answer: Answer
    seen: set[str]


@pytest.fixture(scope="module")
def sent(stack: Stack, tls: ssl.SSLContext) -> Mapping[str, Sent]:
    """Every request of the table."""
    ids = {name: new_id() for name in TOLD}
    answers = {
        name: first_answer(stack.address, told.sent.replace(b"MARK", ids[name].encode()), tls=tls)
        for name, told in TOLD.items()
    }
    seen = functions_that_saw(stack)
    # What the gateway told is what it would have sent on, had it sent the request on.
    return {
        name: Sent(ids[name], answer, seen[ids[name]] | seen[answer.headers["x-request-id"]])
        for name, answer in answers.items()
    }


@pytest.fixture(scope="module")
def cut_off(stack: Stack) -> Iterator[str]:
    """A gateway that no function can be reached from."""
    with second_gateway(stack) as url:
        yield url


@pytest.mark.parametrize("name", TOLD)
def test_a_refusal_is_a_problem_and_reaches_no_function(sent: Mapping[str, Sent], name: str) -> None:
    told, request = TOLD[name], sent[name]
    problem = check_told(request.answer, told.status, told.code)
    assert (problem["detail"], problem["instance"]) == (told.detail, told.instance)
    assert request.seen == set()
    if told.status in (404, 405, 413):  # the head was read to its end
        assert problem["request_id"] == request.id


def test_a_body_of_a_mebibyte_reaches_the_function(stack: Stack, tls: ssl.SSLContext) -> None:
    body = b" " * (MEBIBYTE - 2) + b"{}"
    answer = first_answer(stack.address, POST + b"Content-Length: %d\r\n\r\n" % len(body) + body, tls=tls)
    assert (answer.status, answer.code()) == (422, "validation_failed")
    chunked = (
        b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK * 15 + b"fffe\r\n" + b" " * 0xFFFE + b"\r\n2\r\n{}\r\n0\r\n\r\n"
    )
    assert first_answer(stack.address, POST + chunked, tls=tls).code() == "validation_failed"


def test_plain_http_on_the_port_of_https_is_told_so(stack: Stack) -> None:
    answer = first_answer(f"http://localhost:{stack.https_port}", GET + END)
    problem = check_told(answer, 400, "bad_request")
    assert (problem["detail"], answer.headers["connection"]) == (NO_TLS, "close")


@pytest.mark.parametrize("path", ["/nothing", "/api/issues", "/.well-known/jwks.json"])
@pytest.mark.parametrize("sent", TAKEN_OVER)
def test_a_request_id_is_taken_over(client: httpx.Client, path: str, sent: str) -> None:
    answer = client.get(path, headers={"X-Request-ID": sent})
    assert answer.headers.get_list("X-Request-ID") == [sent]
    if answer.status_code >= 400:
        assert answer.json()["request_id"] == sent


@pytest.mark.parametrize("path", ["/nothing", "/api/issues", "/.well-known/jwks.json"])
@pytest.mark.parametrize("sent", REPLACED)
def test_what_is_no_request_id_is_replaced(client: httpx.Client, path: str, sent: str) -> None:
    answer = client.get(path, headers={b"X-Request-ID": sent.encode()})
    (made,) = answer.headers.get_list("X-Request-ID")
    assert made != sent
    assert re.fullmatch(REQUEST_ID, made)
    if answer.status_code >= 400:
        assert answer.json()["request_id"] == made


def test_two_request_ids_are_none(client: httpx.Client) -> None:
    answer = client.get("/nothing", headers=[("X-Request-ID", "first"), ("X-Request-ID", "second")])
    assert answer.headers["X-Request-ID"] not in ("first", "second", "first, second")
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_who_sends_too_fast_is_told_to_wait(stack: Stack, tls: ssl.SSLContext) -> None:
    """Of 80, one and 60 more are let through at once, and one more each second."""
    ids = [new_id() for _ in range(80)]
    with (
        second_gateway(stack, "functions", GATEWAY_REQUESTS_PER_SECOND="1") as url,
        httpx.Client(base_url=url, verify=tls) as client,
    ):
        answers = {name: client.get("/api/issues", headers={"X-Request-ID": name}) for name in ids}
    refused = {name: answer for name, answer in answers.items() if answer.status_code == 429}
    assert 10 <= len(refused) <= 19
    for name, answer in refused.items():
        problem = check_told(answer_of(answer), 429, "rate_limited")
        assert (problem["detail"], problem["request_id"]) == ("This address asks for too much at once.", name)
        assert answer.headers["Retry-After"] == "1"
    seen = functions_that_saw(stack)
    assert {name for name in ids if seen[name]} == set(ids) - set(refused)


@pytest.mark.parametrize("function", REACHES)
def test_a_function_that_is_not_there_is_told_as_such(tls: ssl.SSLContext, cut_off: str, function: str) -> None:
    with httpx.Client(base_url=cut_off, verify=tls) as client:
        answer = client.get(REACHES[function])
    problem = check_told(answer_of(answer), 503, "service_unavailable")
    assert problem["detail"] == "The function could not be reached."
    assert problem["instance"] == REACHES[function]
    assert answer.headers["Retry-After"] == "2"


def test_a_function_that_does_not_answer_is_not_waited_for(stack: Stack, tls: ssl.SSLContext) -> None:
    comments = stack.container("comments")
    with (
        second_gateway(stack, "functions", GATEWAY_TIMEOUT_SECONDS="1") as url,
        httpx.Client(base_url=url, verify=tls, timeout=20) as client,
    ):
        stack.command("pause", comments)
        try:
            answer = client.get(REACHES["comments"])
        finally:
            stack.command("unpause", comments)
    problem = check_told(answer_of(answer), 503, "service_unavailable")
    assert problem["detail"] == "The function did not answer in time."
    assert answer.headers["Retry-After"] == "2"
