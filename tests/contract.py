"""Schemathesis against a real gateway and worker: they keep to our OpenAPI document, whatever is sent.

`python -m contract SECONDS` runs for that long, from a seed that it prints.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from api.problems import MEDIA_TYPE

from services import logged_services, new_key

HERE = Path(__file__).parent


KEY, LINE = new_key()
SETTINGS = {"INKQUEUE_API_KEYS": LINE, "INKQUEUE_QUOTA_REQUESTS": "10000"}
"""Settings of a gateway to be checked: it asks for a key, and has a rate limit to tell of."""
OPTIONS = ("--no-color", "--header", f"Authorization: Bearer {KEY}")


def checked(url: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """What schemathesis, with KEY, says of the gateway at `url`; it ends with 0 if nothing is wrong."""
    command = [Path(sys.executable).parent / "schemathesis", "--config-file", HERE / "schemathesis.toml"]
    with tempfile.TemporaryDirectory() as folder:  # where it leaves its notes
        return subprocess.run(
            [*command, "run", f"{url}/openapi.json", *OPTIONS, *options],
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(HERE), "NO_COLOR": "1"},
        )


def response_of(
    document: Mapping[str, Any], operation: Mapping[str, Any], status: int | str
) -> Mapping[str, Any]:
    """The OpenAPI description of an operation's response; empty if there is none."""
    response: Mapping[str, Any] = operation["responses"].get(str(status), {})
    shared = response.get("$ref", "").rpartition("/")[2]
    return document["components"]["responses"][shared] if shared else response


def listed(response: Mapping[str, Any]) -> set[str]:
    """The problems that the OpenAPI description of a response lists."""
    return set(response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {}))


def main(seconds: str) -> int:
    """Run for long, on a stack of its own."""
    with logged_services(**SETTINGS) as (services, _):
        done = checked(services.url, "--max-time", seconds, "--max-examples", "1000")
    print(done.stdout[-20_000:], done.stderr[-2000:])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
