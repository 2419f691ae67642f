"""A page of another origin, open in a user's browser, wants to read or to write here with what the browser adds itself.

Only listed origins may read, exactly as they are spelled; nothing that a form or a picture can send changes anything;
no credential travels by itself; no answer is kept, framed, taken for a page, or names a host that a client made up.
"""

import json

import httpx2
import pytest

from operations.openapi import ENDPOINTS
from shared.endpoint import Endpoint
from tests.support.accounts import login, logout, outcome, refresh, registration
from tests.support.api import Api, Headers
from tests.support.fixtures import Owner, Serve
from tests.support.people import PASSWORD
from tests.support.world import World, named

LISTED = "https://app.example.com"
LOCAL = "http://localhost:3000"
EVIL = "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}
UNLISTED = {
    "another": EVIL,
    "null-of-a-sandboxed-frame": "null",
    "asterisk": "*",
    "empty": "",
    "sub-domain": "https://x.app.example.com",
    "parent-domain": "https://example.com",
    "name-that-begins-like-it": "https://app.example.com.evil.example",
    "name-that-ends-like-it": "https://evil-app.example.com",
    "name-with-a-letter-for-the-dot": "https://appXexample.com",
    "name-with-a-letter-more": "https://app.example.comm",
    "name-with-a-letter-less": "https://app.example.co",
    "name-continued-with-an-underscore": "https://app.example.com_.evil.example",
    "name-continued-with-a-back-quote": "https://app.example.com`.evil.example",
    "name-with-a-dot-at-the-end": "https://app.example.com.",
    "name-in-another-case": "https://APP.example.com",
    "name-in-another-script": "https://\N{CYRILLIC SMALL LETTER A}pp.example.com",
    "name-in-punycode": "https://xn--pp-7kc.example.com",
    "name-percent-encoded": "https://app%2eexample.com",
    "scheme-in-another-case": "HTTPS://app.example.com",
    "scheme-without-encryption": "http://app.example.com",
    "scheme-of-an-extension": "chrome-extension://app.example.com",
    "scheme-of-a-file": "file://",
    "scheme-left-out": "app.example.com",
    "port": "https://app.example.com:8443",
    "port-that-is-the-default": "https://app.example.com:443",
    "port-of-another-local-server": "http://localhost:3001",
    "port-left-out": "http://localhost",
    "address-for-a-name": "http://127.0.0.1:3000",
    "path": "https://app.example.com/",
    "query": "https://app.example.com?x",
    "user-name": "https://app.example.com@evil.example",
    "user-name-before-it": "https://evil.example@app.example.com",
    "fragment": "https://evil.example#https://app.example.com",
    "two-in-a-list": f"{LISTED}, {EVIL}",
    "two-with-a-blank": f"{LISTED} {EVIL}",
    "both-that-are-listed": f"{LISTED},{LOCAL}",
}
WIDER: dict[str, Headers] = {
    "method-that-is-not-offered": {"Access-Control-Request-Method": "PUT"},
    "method-in-lower-case": {"Access-Control-Request-Method": "patch"},
    "method-that-tunnels": {"Access-Control-Request-Method": "CONNECT"},
    "method-that-is-a-list": {"Access-Control-Request-Method": "PATCH, PUT"},
    "header-that-overrides": {"Access-Control-Request-Headers": "x-http-method-override"},
    "header-that-names-an-address": {"Access-Control-Request-Headers": "authorization, x-forwarded-for"},
    "every-header": {"Access-Control-Request-Headers": "*"},
    "header-with-a-line-feed": {"Access-Control-Request-Headers": "a%0d%0aSet-Cookie: x=y"},
    "credentials": {"Access-Control-Request-Credentials": "true", "Cookie": "a=b"},
    "private-network": {"Access-Control-Request-Private-Network": "true"},
}
BODY = json.dumps(registration())
SIMPLE = {
    "text": ("text/plain", BODY),
    "text-that-says-json": ("text/plain; application/json", BODY),
    "form-whose-name-is-json": ("application/x-www-form-urlencoded", BODY[:-1] + ', "x": "="}'),
    "form": ("application/x-www-form-urlencoded", f"username=alice&email=a%40example.com&password={PASSWORD}"),
    "form-with-a-charset-of-json": ("application/x-www-form-urlencoded; charset=application/json", BODY),
    "multipart": (
        "multipart/form-data; boundary=x",
        f'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n{BODY}\r\n--x--',
    ),
    "multipart-with-a-boundary-of-json": ("multipart/form-data; boundary=application/json", BODY),
    "blob-without-a-type": ("", BODY),
    "ping-of-a-link": ("text/ping", BODY),
    "report-of-a-policy": ("application/csp-report", BODY),
    "report-of-a-browser": ("application/reports+json", BODY),
    "two-types": ("text/plain, application/json", BODY),
}
AMBIENT = {
    "cookie-named-access-token": "Cookie: access_token={token}",
    "cookie-named-session": "Cookie: session={token}; sid={session}; sessionid={session}",
    "cookie-named-authorization": "Cookie: Authorization=Bearer%20{token}",
    "cookie-for-the-host": "Cookie: __Host-token={token}",
    "basic-credentials": "Authorization: Basic {token}",
    "token-of-a-form": "X-CSRF-Token: {token}",
    "proxy-credentials": "Proxy-Authorization: Bearer {token}",
}
NAMED_HOSTS = {
    "host": "Host: evil.example",
    "host-with-credentials": "Host: 127.0.0.1@evil.example",
    "host-with-a-port-of-letters": "Host: 127.0.0.1:evil.example",
    "forwarded-host": "X-Forwarded-Host: evil.example",
    "forwarded": "Forwarded: for=127.0.0.1;host=evil.example;proto=https",
    "forwarded-server": "X-Forwarded-Server: evil.example",
    "forwarded-prefix": "X-Forwarded-Prefix: //evil.example",
    "forwarded-port": "X-Forwarded-Port: 443@evil.example",
    "forwarded-scheme": "X-Forwarded-Proto: evil.example",
    "original-host": "X-Original-Host: evil.example",
    "host-override": "X-HTTP-Host-Override: evil.example",
    "script-name": "X-Script-Name: //evil.example",
    "referrer": "Referer: https://evil.example/",
}


@pytest.fixture(scope="module")
def site(servers: Serve) -> Api:
    """A server that two origins may read."""
    return servers(CORS_ALLOWED_ORIGINS=f"{LISTED},{LOCAL}")


def header(line: str) -> Headers:
    """The header that this line writes."""
    name, _, value = line.partition(": ")
    return {name: value}


def granted(answer: httpx2.Response) -> Headers:
    """What the answer lets a page of another origin do."""
    return {name: value for name, value in answer.headers.items() if name.startswith(("access-control-", "timing-"))}


@pytest.mark.parametrize("origin", UNLISTED.values(), ids=UNLISTED.keys())
def test_an_origin_that_is_not_listed_is_granted_nothing(site: Api, origin: str) -> None:
    headers = [(name.encode(), value.encode()) for name, value in {"Origin": origin, **PREFLIGHT}.items()]
    answers = [
        site.client.request("OPTIONS", "/api/projects", headers=headers),
        site.client.get("/api/nothing", headers=headers),
        site.client.post("/api/auth/refresh", json={"refresh_token": "x"}, headers=headers),
        site.client.get("/.well-known/jwks.json", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [405, 404, 401, 200]
    for answer in answers:
        assert granted(answer) == {}
        assert answer.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origins", [(EVIL, LISTED), (LISTED, EVIL)], ids=["first", "last"])
def test_an_origin_beside_a_listed_one_is_not_granted_anything(site: Api, origins: tuple[str, str]) -> None:
    answer = site.client.get("/api/nothing", headers=[("Origin", origin) for origin in origins])
    assert granted(answer).get("access-control-allow-origin") in (None, LISTED)


@pytest.mark.parametrize("origin", [LISTED, LOCAL])
def test_a_listed_origin_may_read_everything_but_with_no_credentials(site: Api, origin: str) -> None:
    for method, path in (("GET", "/api/nothing"), ("POST", "/api/auth/login"), ("GET", "/api/openapi.json")):
        answer = site.request(method, path, headers={"Origin": origin})
        exposed = granted(answer)["access-control-expose-headers"].split(", ")
        assert {"ETag", "Link", "Location", "Retry-After", "X-Request-ID", "RateLimit-Remaining"} <= set(exposed)
        assert "set-cookie" not in {name.lower() for name in exposed}
        assert set(granted(answer)) == {"access-control-allow-origin", "access-control-expose-headers"}
        assert (answer.headers["Access-Control-Allow-Origin"], answer.headers["Vary"]) == (origin, "Origin")


@pytest.mark.parametrize("asked", [{}, *WIDER.values()], ids=["what-is-allowed", *WIDER])
def test_a_preflight_grants_the_same_whatever_it_asks_for(site: Api, asked: Headers) -> None:
    for path in ("/api/projects", "/api/auth/me", "/api/nothing"):
        answer = site.request("OPTIONS", path, headers={"Origin": LOCAL, **PREFLIGHT, **asked})
        assert (answer.status_code, answer.content) == (204, b"")
        assert int(answer.headers["RateLimit-Remaining"]) >= 0
        grants = granted(answer)
        assert "X-Request-ID" in grants.pop("access-control-expose-headers")
        assert grants == {
            "access-control-allow-origin": LOCAL,
            "access-control-allow-methods": "GET, HEAD, POST, PATCH, DELETE",
            "access-control-allow-headers": (
                "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID"
            ),
            "access-control-max-age": "600",
        }


def test_what_is_no_preflight_is_an_options_like_any(site: Api) -> None:
    answer = site.request("OPTIONS", "/api/projects", headers={"Origin": LISTED})
    assert outcome(answer) == (405, "method_not_allowed")


def test_nobody_is_listed_by_default(nobody: Api) -> None:
    answer = nobody.request("OPTIONS", "/api/projects", headers={"Origin": LISTED, **PREFLIGHT})
    assert outcome(answer) == (405, "method_not_allowed")
    assert granted(answer) == {}


@pytest.mark.parametrize(("content_type", "body"), SIMPLE.values(), ids=SIMPLE.keys())
def test_a_form_writes_nothing(site: Api, housekeeper: Owner, content_type: str, body: str) -> None:
    for path in ("/api/auth/register", "/api/auth/login", "/api/auth/logout"):
        headers = {"Origin": LISTED, **({"Content-Type": content_type} if content_type else {})}
        assert outcome(site.post(path, content=body.encode(), headers=headers)) == (415, "unsupported_media_type")
    assert housekeeper.execute("SELECT FROM users WHERE username = 'alice'").rowcount == 0


@pytest.mark.parametrize("line", AMBIENT.values(), ids=AMBIENT.keys())
def test_what_a_browser_adds_by_itself_signs_nobody_in(site: Api, standing: World, line: str) -> None:
    admin = standing.admin
    headers = header(line.format(token=admin.token, session=admin.session_id))
    for method, path in (("GET", "/api/auth/me"), ("POST", "/api/auth/logout-all")):
        assert outcome(site.request(method, path, headers=headers)) == (401, "authentication_required")


def test_the_same_body_is_taken_as_json_and_no_answer_sets_a_cookie_or_is_kept(site: Api, housekeeper: Owner) -> None:
    answers = [site.post("/api/auth/register", content=BODY.encode(), headers={"Content-Type": "application/json"})]
    answers.append(login(site, "alice"))
    answers.append(refresh(site, answers[1].json()["refresh_token"]))
    answers.append(site.get("/api/auth/me", headers={"Authorization": f"Bearer {answers[2].json()['access_token']}"}))
    answers.append(logout(site, answers[2].json()["refresh_token"]))
    housekeeper.execute("DELETE FROM users WHERE username = 'alice'")
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 204]
    for answer in answers:
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.method == "GET"], ids=named)
def test_no_answer_is_kept_framed_guessed_or_run_as_a_script(standing: World, endpoint: Endpoint) -> None:
    answer = standing.admin.api.get(standing.path(endpoint))
    public = endpoint.path == "/.well-known/jwks.json"
    assert answer.headers["Cache-Control"] == ("public, max-age=300" if public else "no-store")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    called_back = standing.admin.api.get(f"{standing.path(endpoint)}?callback=alert")
    assert outcome(called_back) == (422, "validation_failed")


@pytest.mark.parametrize("line", NAMED_HOSTS.values(), ids=NAMED_HOSTS.keys())
def test_no_answer_names_a_host_that_the_client_made_up(standing: World, line: str) -> None:
    admin, headers = standing.admin, header(line)
    for path in ("/api/projects?limit=1", "/api/nothing", "/api/openapi.json", "/api/docs", "/readyz"):
        answer = admin.api.get(path, headers=headers)
        assert "evil" not in answer.text + str(answer.headers)
    created = admin.api.post(f"/api/issues/{standing.issue['id']}/comments", json={"content": "x"}, headers=headers)
    assert created.headers["Location"] == f"/api/comments/{created.json()['id']}"
