"""The limit: images a second of the network alone, with one process on each core."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.pool import Pool
from typing import Literal

import numpy as np

from model.engines.opening import open_predictor
from model.screen import open_screen, screen_of

from .loads import characters
from .setting import CORES, Setting

Served = Literal["auto", "float32"]
Way = Literal["auto", "float32", "auto screened", "float32 screened"]
WAYS: Mapping[Way, str] = {
    "auto": "as served",
    "float32": "float32",
    "auto screened": "as served, and the screen of files",
    "float32 screened": "float32, and the screen of files",
}

BATCH, BATCHES = 256, 4
"""Images in a batch, and batches. They are the characters of the loads, since a cascade's cost depends
on how often it is unsure."""

WARM_S = 0.5


@dataclass(frozen=True)
class Raw:
    """Images a second of all processes together, and microseconds of processor time per image."""

    rate: float
    cpu_us: float


def measure(setting: Setting) -> dict[Way, Raw]:
    """The best of the repeats, for each way."""
    with get_context("spawn").Pool(CORES) as pool:
        return {way: _best(pool, setting, way) for way in WAYS}


def _best(pool: Pool, setting: Setting, way: Way) -> Raw:
    tasks = [(setting, way)] * CORES
    runs = [pool.starmap(_alone, tasks, 1) for _ in range(setting.repeats)]
    sums = [Raw(sum(each.rate for each in run), min(each.cpu_us for each in run)) for run in runs]
    return max(sums, key=lambda raw: raw.rate)


def _alone(setting: Setting, way: Way) -> Raw:
    """Measure in one process on one thread, for half the seconds of a load."""
    open_it = partial(open_predictor, setting.model, device=setting.device, threads=1)
    precision, _, with_screen = way.partition(" ")
    predictor = open_it(precision=precision)
    screen = screen_of(predictor, partial(open_screen, setting.device, 1))
    batches = np.split(characters(BATCHES * BATCH, np.random.default_rng(0)), BATCHES)

    def read(seconds: float) -> Raw:
        begin, spent, images = time.perf_counter(), time.process_time(), 0
        while (took := time.perf_counter() - begin) < seconds:
            for some in batches:
                outputs = predictor.outputs(some)
                if with_screen:
                    screen.flags(some, outputs)
                images += len(some)
        return Raw(images / took, (time.process_time() - spent) / images * 1e6)

    read(WARM_S)
    predictor.settle()
    return read(setting.seconds / 2)
