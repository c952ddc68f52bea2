"""The limit: images a second of the network alone, in a process a core."""

import time
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.pool import Pool
from typing import Literal

import numpy as np

from model.opening import open_predictor

from .setting import CORES, Setting
from samples import glyphs

Precision = Literal["auto", "float32"]
PRECISIONS: tuple[Precision, ...] = ("auto", "float32")
"""What is served, and the reference."""

BATCH = 256


@dataclass(frozen=True)
class Raw:
    """Images a second of all processes together, and microseconds of processor time an image."""

    rate: float
    cpu_us: float


def measure(setting: Setting) -> dict[Precision, Raw]:
    """By precision, the best of the repeats."""
    with get_context("spawn").Pool(CORES) as pool:
        return {precision: _best(pool, setting, precision) for precision in PRECISIONS}


def _best(pool: Pool, setting: Setting, precision: Precision) -> Raw:
    tasks = [(seed, setting, precision) for seed in range(CORES)]
    runs = [pool.starmap(_alone, tasks, 1) for _ in range(setting.repeats)]
    sums = [Raw(sum(each.rate for each in run), min(each.cpu_us for each in run)) for run in runs]
    return max(sums, key=lambda raw: raw.rate)


def _alone(seed: int, setting: Setting, precision: Precision) -> Raw:
    """One process on one thread, over half the seconds of a load."""
    predictor = open_predictor(setting.model, device=setting.device, precision=precision, threads=1)
    images = glyphs(BATCH, np.random.default_rng(seed))
    predictor.warm_up()
    begin, spent, passes = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - begin < setting.seconds / 2:
        predictor.logits(images)
        passes += 1
    read = passes * BATCH
    took = time.perf_counter() - begin
    return Raw(read / took, (time.process_time() - spent) / read * 1e6)
