"""Schemathesis against a real gateway and worker: they keep to our OpenAPI document, whatever is sent.

`python -m contract SECONDS` runs for that long, from a seed that it prints.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from conftest import logged_services

HERE = Path(__file__).parent
CHECKED = "all"


def checked(url: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """What schemathesis says of the gateway at `url`; it ends with 0 if nothing is wrong."""
    command = [Path(sys.executable).parent / "schemathesis", "--config-file", HERE / "schemathesis.toml"]
    with tempfile.TemporaryDirectory() as folder:  # where it leaves its notes
        return subprocess.run(
            [*command, "run", f"{url}/openapi.json", "--checks", CHECKED, "--no-color", *options],
            capture_output=True,
            text=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(HERE), "NO_COLOR": "1"},
        )


def main(seconds: str) -> int:
    """Run for long, on a stack of its own."""
    with logged_services() as (services, _):
        done = checked(services.url, "--max-time", seconds, "--max-examples", "1000")
    print(done.stdout[-20_000:], done.stderr[-2000:])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
