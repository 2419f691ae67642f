"""What ``make run`` makes up where the environment is silent, and what it says meanwhile."""

import os
import stat
from pathlib import Path

import pytest

from local import server
from local.directory import hold
from local.environment import load_settings
from local.errors import UsageError
from local.greeting import greet
from local.server import listen, serve
from operations.keys import make_keys
from shared.settings import SettingsError


def test_keys_are_made_once_and_the_same_ones_are_used_ever_after(directory: Path) -> None:
    first = load_settings({}, directory)
    assert load_settings({}, directory) == first
    assert first.jwt_private_key == (directory / "keys" / "private.pem").read_text().strip()
    assert (first.database_url, first.redis_url) == ("postgresql:", "redis:")


def test_given_keys_and_servers_are_used_and_none_are_made(directory: Path, tmp_path: Path) -> None:
    make_keys(tmp_path, "ES256")
    given = {
        "JWT_PRIVATE_KEY_FILE": str(tmp_path / "private.pem"),
        "JWT_PUBLIC_KEYS": (tmp_path / "public.json").read_text(),
        "DATABASE_URL": "postgresql://one/flycatcher",
        "REDIS_URL": "redis://two",
        "LOG_LEVEL": "error",
    }
    settings = load_settings(given, directory)
    assert settings.jwt_private_key == (tmp_path / "private.pem").read_text().strip()
    assert (settings.database_url, settings.redis_url) == ("postgresql://one/flycatcher", "redis://two")
    assert settings.log_level == "error"
    assert not directory.exists()


@pytest.mark.parametrize(
    ("given", "said"), [("JWT_PUBLIC_KEYS", "JWT_PRIVATE_KEY is missing"), ("JWT_PRIVATE_KEY", "JWT_PUBLIC_KEYS is")]
)
def test_one_half_of_the_keys_is_not_completed_by_a_made_up_one(directory: Path, given: str, said: str) -> None:
    make_keys(directory)
    path = directory / ("private.pem" if given == "JWT_PRIVATE_KEY" else "public.json")
    with pytest.raises(SettingsError, match=said):
        load_settings({f"{given}_FILE": str(path)}, directory)


def test_the_data_directory_is_private_and_free_again_when_its_holder_lets_go(directory: Path) -> None:
    for _ in range(2):
        with hold(directory) as lock:
            assert Path(lock.name).read_text() == f"{os.getpid()}\n"
            with pytest.raises(UsageError, match=f"is in use by process {os.getpid()}; stop that, or LOCAL_DATA"):
                hold(directory)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize(("password", "shown"), [("Flycatcher-demo-1", True), ("Kingfisher-7-blue", False)])
def test_the_greeting_shows_no_password_but_the_public_one(
    capsys: pytest.CaptureFixture[str], password: str, shown: bool
) -> None:
    greet("http://127.0.0.1:8000", password, 1.25)
    said = capsys.readouterr().out
    assert (password in said) == shown
    assert ("SEED_PASSWORD" in said) != shown
    assert "Flycatcher is up after 1.2 s." in said


def test_a_port_that_cannot_be_had_is_told_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HOST", "192.0.2.1")
    with pytest.raises(UsageError, match=r"^PORT: cannot listen on 8000: .*assign"):
        listen(8000)


def test_nobody_is_greeted_where_the_application_does_not_start() -> None:
    async def broken(_scope: object, _receive: object, _send: object) -> None:
        raise RuntimeError

    greeted: list[bool] = []
    with listen(0) as listener, pytest.raises(SystemExit):
        serve(broken, listener, lambda: greeted.append(True))
    assert greeted == []
