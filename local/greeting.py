"""What ``make run`` says when it is up."""

import json

from local.progress import say

DEMO_PASSWORD = "Flycatcher-demo-1"  # noqa: S105  # public: the contract names it


def greet(address: str, password: str, seconds: float) -> None:
    """The address, the docs' address and how to sign in. A password that is not the demo's own is not shown."""
    shown = password if password == DEMO_PASSWORD else "(yours, of SEED_PASSWORD)"
    body = json.dumps({"username": "admin", "password": shown})
    say(
        f"""
Flycatcher is up after {seconds:.1f} s.

  API      {address}
  docs     {address}/api/docs
  sign in  as admin, manager1 or dev1, with the password {shown}:
           curl -H 'Content-Type: application/json' -d '{body}' {address}/api/auth/login
  stop     Ctrl-C
"""
    )
