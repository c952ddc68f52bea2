"""How many workers should run, for an autoscaler: the waiting work, divided by the time allowed for it.

    desired = ceil(sum over models of images waiting / images a second of one worker / INKQUEUE_DRAIN_S)

never below INKQUEUE_MIN_WORKERS (the number when idle), never above INKQUEUE_MAX_WORKERS.
"""

import json
import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from worker.ledger.gauges import Backlog
from worker.ledger.measures import BATCH, DECODE, FORWARD, histograms

from .settings import GatewaySettings

Facts = Mapping[str, str]


def desired_workers(
    backlogs: Sequence[Backlog],
    workers: Sequence[Facts],
    measures: Mapping[str, int],
    settings: GatewaySettings,
) -> int:
    """The number of workers that would read all that waits within `drain_s`."""
    speeds = long_rates(measures) | worker_rates(workers)
    share = sum(_share(each, speeds.get(each.model, 0.0), settings.drain_s) for each in backlogs)
    wanted = math.ceil(round(share, 6)) or math.ceil(share)  # at least one for any image
    return max(settings.min_workers, min(settings.max_workers, wanted))


def worker_rates(workers: Sequence[Facts]) -> dict[str, float]:
    """Images a second of one worker by model: the mean of what live workers measured lately."""
    told = [rates_of(each) for each in workers]
    models = {model for rates in told for model in rates}
    return {model: fmean(rates[model] for rates in told if model in rates) for model in models}


def rates_of(facts: Facts) -> dict[str, float]:
    """Images a second by model, as one worker reports them."""
    rates: dict[str, float] = json.loads(facts.get("rates", "{}"))
    return {model: rate for model, rate in rates.items() if rate}


def long_rates(measures: Mapping[str, int]) -> dict[str, float]:
    """Images a second of one worker by model, since the ledger began: the only rates known while every
    worker is new."""
    images, decode, forward = (
        {model: one.sum for model, one in histograms(measures, scale)}
        for scale in (BATCH, DECODE, FORWARD)
    )
    spent = {model: decode.get(model, 0.0) + forward.get(model, 0.0) for model in images}
    return {model: images[model] / spent[model] for model in images if images[model] and spent[model]}


def _share(backlog: Backlog, rate: float, drain_s: float) -> float:
    """Workers for one model; if its rate is unknown, one, which will measure it."""
    if not backlog.images:
        return 0.0
    return backlog.images / rate / drain_s if rate else 1.0
