"""When a refused client should retry: the amount that must drain first, divided by the rate."""

import random

from worker.ledger.gauges import Pressure

SOONEST_S, LATEST_S = 1.0, 60.0
UNKNOWN_S = 10.0
"""The wait if nothing drains at the moment."""

SPREAD = 1.25
"""Waits are spread by up to this factor, so that clients refused together do not return together."""


def of_amount(amount: float, rate: float) -> float:
    """Seconds until `amount` is gone at `rate` a second; from 1 to 60, spread at random."""
    wait = amount / rate if rate > 0 else UNKNOWN_S
    return max(SOONEST_S, min(LATEST_S / SPREAD, wait)) * random.uniform(1, SPREAD)


def of_images(pressure: Pressure, images: int) -> float:
    """Seconds until `images` of all queued images are done."""
    return of_amount(images, pressure.rate)


def of_own_images(pressure: Pressure, images: int, own: int) -> float:
    """Seconds until `images` of a caller's `own` queued images are done, as all callers take turns."""
    return of_amount(images * max(own, pressure.images), own * pressure.rate)


def of_a_job(pressure: Pressure, own: int) -> float:
    """Seconds until one of a caller's `own` jobs is done, at their share of the rate."""
    return of_amount(pressure.images, own * pressure.rate)


def of_bytes(pressure: Pressure, size: int) -> float:
    """Seconds until `size` bytes are free: an image that is done frees what one takes on average."""
    held = max(0, pressure.used - pressure.empty)
    return of_amount(size, pressure.rate * held / pressure.images if pressure.images else 0.0)
