"""The secrets of a deployment: each where its reader finds it, at random, for the group alone, and kept."""

import hashlib
import json
import shutil
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from operations.__main__ import main
from operations.secrets import PLACES
from shared.data.redis import parse_address
from shared.settings import FUNCTION_NAMES

FILES = {
    *(f"{name}/database-url" for name in FUNCTION_NAMES),
    *(f"{name}/redis-url" for name in FUNCTION_NAMES),
    "owner/database-owner-url",
    "owner/password",
    "public/public.json",
    "redis/users.acl",
    "signing/private.pem",
    "signing/public.json",
    "tls/tls.crt",
    "tls/tls.key",
}


def _read(directory: Path) -> dict[str, str]:
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["secrets", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"the secrets are in {tmp_path}: {', '.join(PLACES)}\n"
    return tmp_path


def test_each_reader_finds_what_it_needs_and_only_its_group_reads_it(made: Path) -> None:
    assert set(_read(made)) == FILES
    assert {stat.S_IMODE((made / name).stat().st_mode) for name in FILES} == {0o440}


def test_a_second_run_changes_nothing(made: Path) -> None:
    before = _read(made)
    assert main(["secrets", str(made)]) == 0
    assert _read(made) == before


def test_another_deployment_has_other_secrets(made: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    assert main(["secrets", str(other)]) == 0
    ours, theirs = _read(made), _read(other)
    assert [name for name in FILES if ours[name] == theirs[name]] == []


def test_a_rotation_of_the_keys_reaches_the_functions(made: Path) -> None:
    assert main(["keys", "rotate", str(made / "signing")]) == 0
    assert main(["secrets", str(made)]) == 0
    published = json.loads((made / "public" / "public.json").read_text())
    assert published == json.loads((made / "signing" / "public.json").read_text())
    assert len(published["keys"]) == 2
    assert stat.S_IMODE((made / "signing" / "private.pem").stat().st_mode) == 0o440


def test_what_is_lost_is_made_again_and_the_rest_stays(made: Path) -> None:
    before = _read(made)
    (made / "redis" / "users.acl").unlink()
    assert main(["secrets", str(made)]) == 0
    after = _read(made)
    changed = {name for name in FILES if after[name] != before[name]}
    assert changed == {"redis/users.acl", *(f"{name}/redis-url" for name in FUNCTION_NAMES)}


def test_a_function_that_has_lost_the_way_to_redis_is_told_it_again_and_the_others_keep_it(made: Path) -> None:
    before = _read(made)
    (made / "issues" / "redis-url").unlink()
    assert main(["secrets", str(made)]) == 0
    assert _read(made) == before


def test_an_installation_of_the_version_before_gets_what_it_lacks_and_keeps_the_rest(made: Path) -> None:
    """Where all functions had one place; whose volume is not even mounted any more."""
    before = _read(made)
    for name in FUNCTION_NAMES:
        shutil.rmtree(made / name)
    assert main(["secrets", str(made)]) == 0
    after = _read(made)
    assert set(after) == FILES
    made_anew = {
        "redis/users.acl",
        *(f"{name}/{url}" for name in FUNCTION_NAMES for url in ("database-url", "redis-url")),
    }
    assert {name for name in FILES if after[name] != before[name]} == made_anew


def test_each_function_signs_in_as_somebody_else_to_postgresql_and_all_alike_to_redis(made: Path) -> None:
    found = _read(made)
    logins = {name: urlsplit(found[f"{name}/database-url"]) for name in FUNCTION_NAMES}
    assert {name: url.username for name, url in logins.items()} == {n: f"flycatcher_{n}" for n in FUNCTION_NAMES}
    assert len({url.password for url in logins.values()}) == len(FUNCTION_NAMES)
    assert len({found[f"{name}/redis-url"] for name in FUNCTION_NAMES}) == 1


def test_the_addresses_are_those_that_were_given(tmp_path: Path) -> None:
    options = ["--database", "db.example:6432/tracker", "--redis", "cache.example:6380", "--name", "bugs.example"]
    assert main(["secrets", str(tmp_path), *options]) == 0
    places = ("owner/database-owner-url", *(f"{name}/database-url" for name in FUNCTION_NAMES))
    urls = [urlsplit((tmp_path / name).read_text()) for name in places]
    for url in urls:
        assert (url.hostname, url.port, url.path) == ("db.example", 6432, "/tracker")
        assert len(url.password or "") == 64
    assert len({url.username for url in urls}) == len({url.password for url in urls}) == len(urls)
    assert urls[0].password == (tmp_path / "owner" / "password").read_text()
    assert urlsplit((tmp_path / "auth" / "redis-url").read_text()).port == 6380


def test_redis_gets_the_hash_of_the_password_that_the_functions_have(made: Path) -> None:
    address = parse_address((made / "auth" / "redis-url").read_text())
    ((_, name, password),) = ([str(word) for word in command] for command in address.greeting)
    users = (made / "redis" / "users.acl").read_text()
    assert f"user {name} on #{hashlib.sha256(password.encode()).hexdigest()} " in users
    assert password not in users


def test_a_signing_key_that_is_not_usable_is_one_line_and_stays(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = made / "signing" / "private.pem"
    key.chmod(0o600)
    key.write_text("no key")
    assert main(["secrets", str(made)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"secrets: the keys in {made}/signing are not usable")
    assert key.read_text() == "no key"
