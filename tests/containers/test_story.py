"""A day with Flycatcher, through the gateway and TLS, over all four functions."""

import httpx2 as httpx

from tests.support.story import bearer, play, sign_in


def test_from_registration_to_a_token_that_no_function_takes_any_more(client: httpx.Client, project: str) -> None:
    play(client, project)


def test_the_demo_is_there_and_everyone_of_it_signs_in(client: httpx.Client) -> None:
    admin = bearer(sign_in(client, "admin"))
    assert client.get("/api/users", headers=admin).json()["total"] >= 50
    assert client.get("/api/issues?project=none", headers=admin).status_code == 422
    assert client.get("/api/issues", headers=admin).json()["total"] >= 500
    assert sign_in(client, "dev40")["token_type"] == "Bearer"


def test_the_documentation_is_served_whole(client: httpx.Client) -> None:
    document = client.get("/api/openapi.json")
    assert document.json()["openapi"].startswith("3.1")
    page = client.get("/api/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "docs.css", "start.js", "favicon-32x32.png"):
        assert client.get(f"/api/docs/{asset}").status_code == 200
    keys = client.get("/.well-known/jwks.json").json()["keys"]
    assert [key["use"] for key in keys] == ["sig"]
