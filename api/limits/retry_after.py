"""When a refused client should retry: how much must go before there is room, by how fast it goes."""

import random

from worker.gauges import Pressure

SOONEST_S, LATEST_S = 1.0, 60.0
UNKNOWN_S = 10.0
"""Where nothing drains, nobody knows when it will."""

SPREAD = 1.25
"""Clients that were refused together come back at times spread by up to this factor."""


def after(amount: float, rate: float) -> float:
    """Seconds until `amount` is gone at `rate` a second; from 1 to 60, and not the same for all."""
    wait = amount / rate if rate > 0 else UNKNOWN_S
    return max(SOONEST_S, min(LATEST_S / SPREAD, wait)) * random.uniform(1, SPREAD)


def after_images(pressure: Pressure, images: int) -> float:
    """Seconds until so many of all queued images are done."""
    return after(images, pressure.rate)


def after_own_images(pressure: Pressure, images: int, own: int) -> float:
    """Seconds until so many images of a caller that has `own` queued are done: all are read in turns."""
    return after(images * max(own, pressure.images), max(1, own) * pressure.rate)


def after_a_job(pressure: Pressure, own: int) -> float:
    """Seconds until one of a caller's `own` jobs is done: they have their share of the rate."""
    return after(pressure.images, own * pressure.rate)


def after_bytes(pressure: Pressure, size: int) -> float:
    """Seconds until so many bytes are free: an image that is done frees what one takes on average."""
    held = max(0, pressure.used - pressure.empty)
    return after(size, pressure.rate * held / pressure.images if pressure.images else 0.0)
