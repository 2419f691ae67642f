"""Where an access token is looked for: in the Authorization header, after one scheme."""

import pytest

from tests.support.accounts import outcome
from tests.support.api import Api
from tests.support.people import People


@pytest.mark.parametrize(
    ("header", "code"),
    [
        pytest.param(None, "authentication_required", id="no-header"),
        pytest.param("", "authentication_required", id="empty"),
        pytest.param("Basic YWRtaW46YWRtaW4=", "authentication_required", id="basic"),
        pytest.param("Token {token}", "authentication_required", id="another-scheme"),
        pytest.param("{token}", "authentication_required", id="token-without-scheme"),
        pytest.param("Bearer", "invalid_token", id="scheme-without-token"),
        pytest.param("Bearer {token} {token}", "invalid_token", id="two-tokens"),
    ],
)
def test_the_header_has_the_bearer_scheme(api: Api, people: People, header: str | None, code: str) -> None:
    headers = {} if header is None else {"Authorization": header.format(token=people.developer().token)}
    assert outcome(api.get("/api/auth/me", headers=headers)) == (401, code)


def test_the_scheme_has_no_case(api: Api, people: People) -> None:
    headers = {"Authorization": f"bearer {people.developer().token}"}
    assert api.get("/api/auth/me", headers=headers).status_code == 200


@pytest.mark.parametrize("place", ["?access_token={token}", "?token={token}"])
def test_a_token_in_the_query_counts_for_nothing(api: Api, people: People, place: str) -> None:
    response = api.get("/api/auth/me" + place.format(token=people.developer().token))
    assert outcome(response) == (401, "authentication_required")


def test_a_token_that_is_no_good_does_not_keep_anybody_from_public_places(api: Api) -> None:
    assert api.signed_in("rubbish").get("/.well-known/jwks.json").status_code == 200
