"""The limit: images a second of the network alone, in a process a core."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.pool import Pool
from typing import Literal

import numpy as np

from model.opening import open_predictor
from model.screen import screen_of

from .setting import CORES, Setting
from samples import glyphs

Served = Literal["auto", "float32"]
Way = Literal["auto", "float32", "screened"]
WAYS: Mapping[Way, str] = {
    "auto": "as served",
    "float32": "float32",
    "screened": "as served, and the screen of files",
}

BATCH = 256


@dataclass(frozen=True)
class Raw:
    """Images a second of all processes together, and microseconds of processor time an image."""

    rate: float
    cpu_us: float


def measure(setting: Setting) -> dict[Way, Raw]:
    """Of each way, the best of the repeats."""
    with get_context("spawn").Pool(CORES) as pool:
        return {way: _best(pool, setting, way) for way in WAYS}


def _best(pool: Pool, setting: Setting, way: Way) -> Raw:
    tasks = [(seed, setting, way) for seed in range(CORES)]
    runs = [pool.starmap(_alone, tasks, 1) for _ in range(setting.repeats)]
    sums = [Raw(sum(each.rate for each in run), min(each.cpu_us for each in run)) for run in runs]
    return max(sums, key=lambda raw: raw.rate)


def _alone(seed: int, setting: Setting, way: Way) -> Raw:
    """One process on one thread, over half the seconds of a load."""
    open_it = partial(open_predictor, setting.model, device=setting.device, threads=1)
    predictor = open_it(precision="float32" if way == "float32" else "auto")
    screen = screen_of(predictor, setting.device, 1)
    images = glyphs(BATCH, np.random.default_rng(seed))
    predictor.warm_up()
    begin, spent, passes = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - begin < setting.seconds / 2:
        outputs = predictor.outputs(images)
        if way == "screened":
            screen.flags(images, outputs)
        passes += 1
    read = passes * BATCH
    took = time.perf_counter() - begin
    return Raw(read / took, (time.process_time() - spent) / read * 1e6)
