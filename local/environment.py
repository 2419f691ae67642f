"""The settings of ``make run``: those of the environment, and for what it leaves open those that are made here."""

from collections.abc import Mapping
from pathlib import Path

from local.progress import say
from shared.settings import Settings

UNKNOWN_YET = {"DATABASE_URL": "postgresql:", "REDIS_URL": "redis:"}


def is_set(environ: Mapping[str, str], name: str) -> bool:
    """Whether the environment gives the variable, itself or as a file."""
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def load_settings(environ: Mapping[str, str], directory: Path) -> Settings:
    """Read and check every setting. Keys are made in ``directory`` on the first start, where none are given.

    The URL of a server that is not given is an empty one until the server runs.

    Raises:
        SettingsError: a value is wrong, or the keys do not belong together.
        OSError: the keys cannot be written.
    """
    made = {name: url for name, url in UNKNOWN_YET.items() if not is_set(environ, name)}
    if not (is_set(environ, "JWT_PRIVATE_KEY") or is_set(environ, "JWT_PUBLIC_KEYS")):
        keys = directory / "keys"
        made |= {"JWT_PRIVATE_KEY_FILE": str(keys / "private.pem"), "JWT_PUBLIC_KEYS_FILE": str(keys / "public.json")}
        if not (keys / "private.pem").exists():
            from operations.keys import make_keys

            say("  making the keys of the access tokens")
            make_keys(keys)
    settings = Settings.load({**environ, **made})

    from functions.auth.tokens import Signer

    Signer(settings)  # auth would find wrong keys only after the servers have started
    return settings
