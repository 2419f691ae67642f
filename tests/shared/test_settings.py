"""The configuration: every variable, its default, and what is refused with one line that names it."""

from pathlib import Path
from typing import Any, get_args

import pytest

from shared.settings import FunctionName, Settings, SettingsError, read_function, read_port, read_url

KEY = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"
REQUIRED = {
    "DATABASE_URL": "postgresql://flycatcher:s3cret@db/flycatcher",
    "REDIS_URL": "redis://:s3cret@cache:6379/0",
    "JWT_PRIVATE_KEY": KEY,
    "JWT_PUBLIC_KEYS": '{"keys": []}',
}
GOOD = [
    ("DATABASE_URL", "postgres://db/x", "postgres://db/x"),
    ("DATABASE_URL", "postgresql://one:5432,two:5433/x", "postgresql://one:5432,two:5433/x"),
    ("DATABASE_URL", "postgresql:///x?host=/run/postgresql", "postgresql:///x?host=/run/postgresql"),
    ("REDIS_URL", "rediss://cache", "rediss://cache"),
    ("REDIS_URL", "unix:///run/redis.sock", "unix:///run/redis.sock"),
    ("DATABASE_POOL_SIZE", "1", 1),
    ("DATABASE_WAIT_SECONDS", "0.25", 0.25),
    ("REQUEST_SECONDS", "3", 3.0),
    ("JWT_ISSUER", "https://bugs.example.com", "https://bugs.example.com"),
    ("RATE_LIMIT_PER_MINUTE", " 7 \n", 7),
    (
        "CORS_ALLOWED_ORIGINS",
        "https://a.example, http://b.example:8080",
        ("https://a.example", "http://b.example:8080"),
    ),
    ("CORS_ALLOWED_ORIGINS", ",", ()),
    ("LOG_LEVEL", "debug", "debug"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318", "http://collector:4318"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://traces.example/otlp/", "https://traces.example/otlp"),
]
DEFAULTS = {
    "DATABASE_POOL_SIZE": 5,
    "DATABASE_CONNECT_SECONDS": 2,
    "DATABASE_WAIT_SECONDS": 2.0,
    "DATABASE_STATEMENT_SECONDS": 2.0,
    "DATABASE_LOCK_SECONDS": 1.5,
    "DATABASE_IDLE_SECONDS": 3.0,
    "REQUEST_SECONDS": 2.5,
    "JWT_ISSUER": "flycatcher",
    "JWT_AUDIENCE": "flycatcher",
    "ACCESS_TOKEN_SECONDS": 900,
    "REFRESH_TOKEN_SECONDS": 604_800,
    "SESSION_SECONDS": 2_592_000,
    "RATE_LIMIT_PER_MINUTE": 100,
    "LOGIN_LIMIT_PER_MINUTE": 5,
    "LOCKOUT_THRESHOLD": 5,
    "LOCKOUT_SECONDS": 900,
    "PASSWORD_HASHES_AT_ONCE": 1,
    "CORS_ALLOWED_ORIGINS": (),
    "TRUSTED_PROXIES": (),
    "LOG_LEVEL": "info",
    "OTEL_EXPORTER_OTLP_ENDPOINT": None,
}
NUMBERS = [name for name, default in DEFAULTS.items() if isinstance(default, int)]
DURATIONS = [name for name, default in DEFAULTS.items() if isinstance(default, float)]
BAD = [
    ("DATABASE_URL", "mysql://db/x"),
    ("DATABASE_URL", "db/x"),
    ("DATABASE_URL", "postgresql://u:s3cret@db:port/x"),
    ("DATABASE_URL", "postgresql://u:s3cret@db:99999/x"),
    ("DATABASE_URL", "postgresql://u:s3cret@[db/x"),
    ("DATABASE_URL", "postgresql://u:s3cret\u2100@db/x"),
    ("REDIS_URL", "http://cache"),
    ("REDIS_URL", "redis://:s3cret@cache:port"),
    ("JWT_PRIVATE_KEY", "s3cret"),
    ("JWT_PUBLIC_KEYS", "s3cret"),
    *((name, value) for name in DURATIONS for value in ("0", "-1", "1,5", "ten", "1e1", "\u0663", "1.", "9" * 5000)),
    *((name, value) for name in NUMBERS for value in ("0", "-1", "1.5", "ten", "1e3", "\u0663", "9" * 5000)),
    ("CORS_ALLOWED_ORIGINS", "*"),
    ("CORS_ALLOWED_ORIGINS", "https://*.example.com"),
    ("CORS_ALLOWED_ORIGINS", "https://a.example,*"),
    ("CORS_ALLOWED_ORIGINS", "https://a.example/"),
    ("CORS_ALLOWED_ORIGINS", "https://a.example/path"),
    ("CORS_ALLOWED_ORIGINS", "https://user@a.example"),
    ("CORS_ALLOWED_ORIGINS", "https://A.example"),
    ("CORS_ALLOWED_ORIGINS", "HTTPS://a.example"),
    ("CORS_ALLOWED_ORIGINS", "https://a.example:443"),
    ("CORS_ALLOWED_ORIGINS", "http://a.example:80"),
    ("CORS_ALLOWED_ORIGINS", "https://a.example:"),
    ("CORS_ALLOWED_ORIGINS", "a.example"),
    ("CORS_ALLOWED_ORIGINS", "null"),
    ("CORS_ALLOWED_ORIGINS", "file://"),
    ("TRUSTED_PROXIES", "proxy"),
    ("TRUSTED_PROXIES", "10.0.0.0/33"),
    ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ("LOG_LEVEL", "INFO"),
    ("LOG_LEVEL", "loud"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector:4317"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http:collector"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://:4318"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:s3cret@collector:port"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318?key=s3cret"),
]


def value_of(settings: Settings, name: str) -> Any:
    return getattr(settings, name.lower())


def test_the_tables_name_every_setting() -> None:
    assert {name.upper() for name in Settings.__slots__} == {*REQUIRED, *DEFAULTS}


@pytest.mark.parametrize("name", DEFAULTS)
@pytest.mark.parametrize("unset", [{}, {"value": ""}, {"value": " \n"}], ids=["missing", "empty", "blank"])
def test_each_has_its_default(name: str, unset: dict[str, str]) -> None:
    environ = REQUIRED | ({name: unset["value"]} if unset else {})
    assert value_of(Settings.load(environ), name) == DEFAULTS[name]


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("given", [{}, {"value": " "}], ids=["missing", "blank"])
def test_what_has_no_default_must_be_given(name: str, given: dict[str, str]) -> None:
    environ = {key: value for key, value in REQUIRED.items() if key != name}
    with pytest.raises(
        SettingsError, match=f"^{name} is missing: set it, or {name}_FILE to the path of a file that holds it$"
    ):
        Settings.load(environ | ({name: given["value"]} if given else {}))


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_good_values_are_read(name: str, text: str, value: object) -> None:
    assert value_of(Settings.load({**REQUIRED, name: text}), name) == value


def test_networks_are_read() -> None:
    proxies = Settings.load({**REQUIRED, "TRUSTED_PROXIES": "10.0.0.0/8, ::1,192.0.2.1"}).trusted_proxies
    assert [str(network) for network in proxies] == ["10.0.0.0/8", "::1/128", "192.0.2.1/32"]


@pytest.mark.parametrize(("name", "text"), BAD)
@pytest.mark.parametrize("way", ["variable", "file"])
def test_bad_values_are_refused_in_one_line_that_names_them(name: str, text: str, way: str, tmp_path: Path) -> None:
    (tmp_path / "value").write_text(text, encoding="utf-8")
    given = {name: text} if way == "variable" else {f"{name}_FILE": str(tmp_path / "value")}
    environ = {key: value for key, value in REQUIRED.items() if key != name} | given
    with pytest.raises(SettingsError) as refused:
        Settings.load(environ)
    line = str(refused.value)
    assert line.startswith(f"{name} ")
    assert "\n" not in line
    assert "s3cret" not in line


@pytest.mark.parametrize("name", [*REQUIRED, *DEFAULTS])
def test_each_can_come_from_a_file(name: str, tmp_path: Path) -> None:
    text = {**REQUIRED, **{key: value for key, value, _ in GOOD}, "TRUSTED_PROXIES": "::1"}.get(name, "7")
    (tmp_path / "value").write_text(f"{text}\n", encoding="utf-8")
    others = {key: value for key, value in REQUIRED.items() if key != name}
    loaded = Settings.load({**others, f"{name}_FILE": str(tmp_path / "value")})
    assert loaded == Settings.load({**others, name: text})


@pytest.mark.parametrize("name", [*REQUIRED, *DEFAULTS])
def test_a_value_and_a_file_at_once_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"^{name} and {name}_FILE are both set"):
        Settings.load({**REQUIRED, name: "7", f"{name}_FILE": str(tmp_path / "value")})


@pytest.mark.parametrize("kind", ["missing", "directory", "not-utf-8"])
def test_a_file_that_cannot_be_read_is_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "value"
    if kind == "directory":
        path.mkdir()
    elif kind == "not-utf-8":
        path.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=f"^JWT_ISSUER_FILE: cannot read {path}: ") as refused:
        Settings.load({**REQUIRED, "JWT_ISSUER_FILE": str(path)})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("function", ["projects", "issues", "comments"])
def test_the_private_key_is_read_by_auth_alone(function: Any) -> None:
    environ = {**REQUIRED, "JWT_PRIVATE_KEY": "", "JWT_PRIVATE_KEY_FILE": "/nowhere/at/all"}
    assert Settings.load(environ, function).jwt_private_key is None
    assert Settings.load(REQUIRED, function).jwt_private_key is None
    assert Settings.load(REQUIRED, "auth").jwt_private_key == KEY
    with pytest.raises(SettingsError, match=r"^JWT_PRIVATE_KEY_FILE: cannot read"):
        Settings.load(environ, "auth")


def test_nothing_of_it_shows() -> None:
    settings = Settings.load(REQUIRED)
    assert repr(settings) == str(settings) == "Settings()"


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_is_a_port(port: str) -> None:
    assert (read_port({}, 8080), read_port({"PORT": "1"}, 8080), read_port({"PORT": "65535"}, 1)) == (8080, 1, 65_535)
    with pytest.raises(SettingsError, match=r"^PORT must be a whole number from 1 to 65535$"):
        read_port({"PORT": port}, 8080)


def test_an_owner_s_url_is_a_url() -> None:
    assert read_url({}, "DATABASE_OWNER_URL") is None
    with pytest.raises(SettingsError, match=r"^DATABASE_OWNER_URL must be a URL that starts with postgresql://$"):
        read_url({"DATABASE_OWNER_URL": "sqlite://"}, "DATABASE_OWNER_URL")


def test_the_function_is_one_of_the_four(tmp_path: Path) -> None:
    for name in get_args(FunctionName):
        (tmp_path / "name").write_text(name, encoding="utf-8")
        assert read_function({"FUNCTION": name}) == read_function({"FUNCTION_FILE": str(tmp_path / "name")}) == name
    for environ in ({}, {"FUNCTION": ""}, {"FUNCTION": "Auth"}, {"FUNCTION": "local"}):
        with pytest.raises(SettingsError, match=r"^FUNCTION .*auth, projects, issues, comments$"):
            read_function(environ)
