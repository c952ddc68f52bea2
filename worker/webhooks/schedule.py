"""When a delivery that failed is tried again: the schedule of Standard Webhooks, with jitter."""

import random
from collections.abc import Sequence

from ..retry_after import retry_after_s

JITTER = 0.1
LONGEST_S = 86_400.0
"""The most that a receiver may ask for with Retry-After."""


def parse_schedule(text: str) -> tuple[float, ...]:
    """Seconds from each failed attempt to the next one."""
    return tuple(float(each) for each in text.split(","))


def delay_s(schedule: Sequence[float], attempt: int, retry_after: str | None) -> float:
    """Seconds to wait after attempt number `attempt` (from 1); at least what the receiver asks for."""
    planned = schedule[min(attempt, len(schedule)) - 1]
    jittered = planned * random.uniform(1 - JITTER, 1 + JITTER)
    return max(jittered, min(LONGEST_S, retry_after_s(retry_after) or 0.0))
