"""`make image-size`: the size of the container images of compose, above their base and in all.

Not a pytest test, since it needs them built (docker compose build). It exits with 1 if the worker's
image is too large.
"""

import sys

from rich.console import Console
from rich.table import Table

from compose_proof import docker

BASE = "python:3.11-slim-bookworm"
IMAGES = ("inkqueue-api", "inkqueue-worker")
MOST_MB = 320
"""What the worker's image may add to its base, for 450 in all: the published base has up to 130 MB."""


def main() -> None:
    """Weigh, print, judge."""
    base = weight(BASE)
    weights = {image: weight(image) for image in IMAGES}
    table = Table("image", "above its base, MB", "in all, MB", title=f"{BASE}: {base:.1f} MB")
    for image, mb in weights.items():
        table.add_row(image, f"{mb - base:.1f}", f"{mb:.1f}")
    Console(width=100).print(table)
    if weights["inkqueue-worker"] - base > MOST_MB:
        sys.exit(f"wrong: a worker's image may add {MOST_MB} MB")


def weight(image: str) -> float:
    """The unpacked size of a local image in MB of 10^6 bytes. Raises CalledProcessError."""
    return int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6


if __name__ == "__main__":
    main()
