"""When a delivery that failed is tried again: the schedule of Standard Webhooks, with jitter."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

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
    return max(jittered, min(LONGEST_S, _asked_s(retry_after)))


def _asked_s(retry_after: str | None) -> float:
    """The seconds of a Retry-After header (RFC 9110: a number or a date); 0 for none."""
    if not retry_after:
        return 0.0
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        when = parsedate_to_datetime(retry_after)
        return (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return 0.0
