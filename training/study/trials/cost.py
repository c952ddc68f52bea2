"""What a trial costs, before anything of it is computed: by this the driver orders trials."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch

from ...measures.cost import MacCounter
from .learner import mixed
from .networks import SIDE, build
from .trial import Trial

SECONDS_A_MAC, SECONDS_A_MIXED_MAC, SECONDS_A_STEP = 2e-10, 8e-11, 2e-3
"""Approximate training times on one core of 2024, for the order of trials and the time left."""


def seconds(trial: Trial) -> float:
    """The approximate processor time of a trial."""
    sums = macs(trial.network) * (SECONDS_A_MIXED_MAC if mixed(trial) else SECONDS_A_MAC)
    return trial.shown * (sums + SECONDS_A_STEP / trial.batch)


def macs(layout: Mapping[str, Any]) -> int:
    """The multiply-accumulates of one image; nothing is computed."""
    return _macs(json.dumps(layout))


@cache
def _macs(layout: str) -> int:
    """Cached, since the driver of a study asks for the same again and again."""
    counter = MacCounter()
    with torch.device("meta"), torch.no_grad(), counter:
        build(json.loads(layout)).eval()(torch.zeros(1, 1, SIDE, SIDE))
    return counter.macs
