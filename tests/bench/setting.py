"""The setting of a run of the benchmark: how many images, how long, how often, on what."""

from dataclasses import dataclass

from api.stack.stack import WORKERS
from model.machine import usable_cores

CORES = usable_cores()
THREADS = CORES // WORKERS
"""Threads of each worker, as `inkqueue up` sets them."""


@dataclass(frozen=True)
class Setting:
    """`images` of a bulk job, `repeats` of each measurement (the best counts), `seconds` for which
    singles are sent."""

    images: int = 20_000
    repeats: int = 5
    seconds: float = 4.0
    connections: tuple[int, ...] = (1, 64, 256)
    device: str = "auto"
    model: str = "balanced"


QUICK = Setting(images=1_000, repeats=1, seconds=0.5, connections=(1, 64))
"""Shows only that the benchmark works."""
