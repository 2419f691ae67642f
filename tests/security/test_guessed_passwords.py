"""Somebody who knows names guesses passwords, and tries to be counted as somebody else, or as nobody, meanwhile.

So many attempts a minute of one account and of one address must stop it, and the lock after failures in a row. An
account is one under all its names.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import httpx2
import pytest
from redis import Redis

from functions.auth.throttles import account_key
from tests.support.accounts import code, login, outcome, refresh, refresh_token_of, registration
from tests.support.api import Api
from tests.support.fixtures import PATIENT, AtOnce, Owner, Serve, events
from tests.support.people import PASSWORD, People, Person

WRONG = "Wrong-horse-1"
VICTIM = "kiss.fin"
LOCKED = (423, "account_locked")
OURS, NOBODYS = True, False
SPELLINGS: dict[str, tuple[str, bool]] = {
    # What is typed, and whether it is the victim's account, whose lock holds; else it is nobody's and opens nothing.
    "name": ("kiss.fin", OURS),
    "other-case": ("KISS.Fin", OURS),
    "e-mail": ("kiss.fin@flycatcher.example", OURS),
    "e-mail-in-another-case": ("Kiss.Fin@FLYCATCHER.example", OURS),
    "kelvin-sign": ("\u212aiss.fin", OURS),
    "long-s": ("ki\u017f\u017f.fin", OURS),
    "sharp-s": ("ki\u00df.fin", OURS),
    "capital-sharp-s": ("KI\u1e9e.FIN", OURS),
    "ligature": ("kiss.\ufb01n", OURS),
    "ligature-in-the-domain": ("kiss.fin@\ufb02ycatcher.example", OURS),
    "blanks-around": ("  kiss.fin ", OURS),
    "tabs-and-line-feeds-around": ("\t\r\nkiss.fin\v\f\n", OURS),
    "no-break-spaces-around": ("\u00a0kiss.fin\u202f", OURS),
    "ideographic-space-before": ("\u3000kiss.fin", OURS),
    "line-separator-behind": ("kiss.fin\u2028", OURS),
    "next-line-behind": ("kiss.fin\u0085", OURS),
    "file-separator-behind": ("kiss.fin\u001c", OURS),
    "dotless-i": ("k\u0131ss.fin", NOBODYS),
    "dotted-capital-i": ("K\u0130SS.FIN", NOBODYS),
    "wide-letters": ("\uff4b\uff49\uff53\uff53.fin", NOBODYS),
    "cyrillic-letter": ("k\u0456ss.fin", NOBODYS),
    "combining-mark": ("kiss.fin\u0301", NOBODYS),
    "iota-subscript": ("kiss.fin\u0345", NOBODYS),
    "zero-width-space-behind": ("kiss.fin\u200b", NOBODYS),
    "zero-width-joiner-inside": ("ki\u200dss.fin", NOBODYS),
    "byte-order-mark-before": ("\ufeffkiss.fin", NOBODYS),
    "soft-hyphen-inside": ("kiss\u00ad.fin", NOBODYS),
    "right-to-left-override": ("\u202ekiss.fin", NOBODYS),
    "blank-inside": ("kiss. fin", NOBODYS),
    "final-dot": ("kiss.fin.", NOBODYS),
    "e-mail-with-a-final-dot": ("kiss.fin@flycatcher.example.", NOBODYS),
    "e-mail-in-quotes": ('"kiss.fin"@flycatcher.example', NOBODYS),
    "e-mail-with-a-tag": ("kiss.fin+1@flycatcher.example", NOBODYS),
    "e-mail-with-a-name": ("Kiss <kiss.fin@flycatcher.example>", NOBODYS),
    "user-id": ("{id}", NOBODYS),
    "key-of-the-counter": ("account:{id}", NOBODYS),
    "sql": ("kiss.fin' OR '1'='1", NOBODYS),
    "sql-comment": ("kiss.fin'--", NOBODYS),
    "pattern": ("kiss%", NOBODYS),
    "pattern-of-one-character": ("kiss_fin", NOBODYS),
}
SPENT = {
    "lock": ("UPDATE login_throttles SET locked_until = now() + interval '90 s'", 423),
    "limit": ("UPDATE login_throttles SET attempts = array_fill(now(), '{3}'), locked_until = NULL", 429),
}


@pytest.mark.parametrize("attack", SPELLINGS)
def test_no_spelling_is_counted_apart(proxied: Api, people: People, owner: Owner, attack: str) -> None:
    bob, (typed, ours) = people.developer(VICTIM), SPELLINGS[attack]
    owner.execute("INSERT INTO login_throttles (key, attempts) VALUES (%s, '{}')", (f"account:{bob.id}",))
    for number, (spend, status) in enumerate(SPENT.values() if ours else [SPENT["lock"]]):
        owner.execute(spend)
        answer = login(proxied, typed.replace("{id}", bob.id), address=f"198.51.100.{number}")
        assert answer.status_code == (status if ours else 401)


def test_the_right_password_opens_what_is_not_spent(proxied: Api, people: People) -> None:
    people.developer(VICTIM)
    assert login(proxied, VICTIM, address="198.51.100.1").status_code == 200


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("nobody", "\u00a0NOBODY\t", id="case-and-blanks"),
        pytest.param("cafe\u0301", "CAF\u00c9", id="normal-forms"),
        pytest.param("\u1100\u1161", "\uac00", id="jamo"),
        pytest.param("stra\u00dfe", "STRASSE", id="sharp-s"),
        pytest.param("\u212aevin", "kevin", id="kelvin-sign"),
    ],
)
def test_a_name_that_is_nobodys_is_one_account_too(proxied: Api, owner: Owner, one: str, other: str) -> None:
    assert outcome(login(proxied, one, address="198.51.100.1")) == (401, "invalid_credentials")
    owner.execute("UPDATE login_throttles SET locked_until = now() + interval '90 s' WHERE key LIKE 'name:%'")
    assert outcome(login(proxied, other, address="198.51.100.2")) == LOCKED


MAPPED = ("::ffff:198.51.100.1", "::FFFF:c633:6401", "0:0:0:0:0:ffff:198.51.100.1", "198.51.100.1")


class Flood(NamedTuple):
    """Half a dozen guesses at once; the names and addresses of the first, the second and so on."""

    username: Callable[[int], str]
    address: Callable[[int], str]
    trusted: str = "127.0.0.0/8"


FLOODS = {
    "one-name-from-many-addresses": Flood(lambda _: VICTIM, lambda number: f"198.51.100.{number}"),
    "nobodys-name-from-many-addresses": Flood(lambda _: "nobody", lambda number: f"198.51.100.{number}"),
    "name-and-e-mail-in-turn": Flood(
        lambda number: (VICTIM, f"{VICTIM}@flycatcher.example")[number % 2], lambda number: f"2001:db8::{number}"
    ),
    "many-names-from-one-address": Flood(lambda number: f"name{number}", lambda _: "198.51.100.1"),
    "many-names-from-forms-of-one-address": Flood(lambda number: f"name{number}", lambda number: MAPPED[number % 4]),
    "many-addresses-to-the-left": Flood(
        lambda number: f"name{number}", lambda number: f"198.51.100.{number}, 203.0.113.9"
    ),
    "many-addresses-without-a-trusted-proxy": Flood(
        lambda number: f"name{number}", lambda number: f"198.51.100.{number}", trusted=""
    ),
}


@pytest.mark.parametrize("attack", FLOODS)
def test_half_a_dozen_guesses_at_once_are_three(
    serve: Serve, people: People, owner: Owner, at_once: AtOnce, attack: str
) -> None:
    flood = FLOODS[attack]
    api = serve(LOGIN_LIMIT_PER_MINUTE="3", TRUSTED_PROXIES=flood.trusted, **PATIENT)
    people.developer(VICTIM)
    numbers = iter(range(6))

    def send() -> httpx2.Response:
        number = next(numbers)
        return login(api, flood.username(number), WRONG, address=flood.address(number))

    assert Counter(map(code, at_once(6, send))) == {"invalid_credentials": 3, "rate_limited": 3}
    assert outcome(login(api, flood.username(6), address=flood.address(6))) == (429, "rate_limited")
    assert events(owner) == [("auth.login", "failure")] * 3


@dataclass(frozen=True)
class Scene:
    """A locked victim, with an open session, and others who would like the lock to end."""

    api: Api
    victim: Person
    other: Person
    owner: Owner
    redis: Redis

    def unlock(self, person: Person) -> int:
        """Somebody asks for the end of the lock."""
        return person.api.post(f"/api/users/{self.victim.id}/unlock").status_code

    def change(self) -> int:
        """The victim's session changes the password, knowing the current one."""
        body = {"current_password": PASSWORD, "new_password": "Other-horse-1"}
        return self.victim.api.post("/api/auth/password", json=body).status_code

    def sweep(self) -> int:
        """What is idle for long is forgotten when somebody else signs in."""
        self.owner.execute("UPDATE login_throttles SET updated_at = now() - interval '2 days'")
        return login(self.api, self.other.username).status_code


UNLOCKS: dict[str, tuple[Callable[[Scene], int], int]] = {
    "right-password": (lambda scene: login(scene.api, VICTIM).status_code, 423),
    "unlock-by-oneself": (lambda scene: scene.unlock(scene.victim), 403),
    "unlock-by-a-manager": (lambda scene: scene.unlock(scene.other), 403),
    "unlock-without-a-token": (lambda scene: scene.api.post(f"/api/users/{scene.victim.id}/unlock").status_code, 401),
    "password-change": (Scene.change, 423),
    "logout-all": (lambda scene: scene.victim.api.post("/api/auth/logout-all").status_code, 204),
    "refresh": (lambda scene: refresh(scene.api, refresh_token_of(scene.victim, scene.owner)).status_code, 200),
    "registration-of-the-name": (
        lambda scene: scene.api.post("/api/auth/register", json=registration(username=VICTIM.upper())).status_code,
        409,
    ),
    "login-of-another": (lambda scene: login(scene.api, scene.other.username).status_code, 200),
    "sweep-of-what-is-idle": (Scene.sweep, 200),
    "emptied-redis": (lambda scene: int(scene.redis.flushdb()), 1),
}


@pytest.mark.parametrize("username", [VICTIM, "nobody"])
@pytest.mark.parametrize("attack", UNLOCKS)
def test_a_lock_holds(api: Api, people: People, owner: Owner, redis: Redis, attack: str, username: str) -> None:
    scene = Scene(api, people.developer(VICTIM), people.manager(), owner, redis)
    owner.execute(
        "INSERT INTO login_throttles (key, attempts, locked_until) "
        "SELECT unnest(%s::text[]), '{}', now() + interval '90 s'",
        ([f"account:{scene.victim.id}", account_key(None, "nobody")],),
    )
    step, status = UNLOCKS[attack]
    assert step(scene) == status
    assert outcome(login(api, username)) == LOCKED


def test_guesses_at_both_doors_at_once_are_three(locking: Api, people: People, owner: Owner, at_once: AtOnce) -> None:
    bob = people.developer(VICTIM)
    inside, numbers = locking.signed_in(bob.token), iter(range(8))
    body = {"current_password": WRONG, "new_password": "Other-horse-1"}

    def send() -> httpx2.Response:
        return login(locking, VICTIM, WRONG) if next(numbers) % 2 else inside.post("/api/auth/password", json=body)

    counted = Counter(map(code, at_once(8, send)))
    assert counted.pop("account_locked") == 5
    assert set(counted) <= {"invalid_credentials", "permission_denied"}
    assert outcome(login(locking, VICTIM)) == LOCKED
    assert events(owner).count(("auth.lockout", "failure")) == 1


def test_the_success_of_another_account_resets_nothing(locking: Api, people: People) -> None:
    bob, eve = people.developer(VICTIM), people.developer()
    guesses = [(bob, WRONG), (bob, WRONG), (eve, PASSWORD), (bob, WRONG), (bob, PASSWORD)]
    statuses = [login(locking, person.username, password).status_code for person, password in guesses]
    assert statuses == [401, 401, 200, 401, 423]
