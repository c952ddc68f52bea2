"""What webhooks report: one event at the end of a job, thin, without images and results."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Event(StrEnum):
    """How a job ended; scripts/outbox.lua spells out the same names."""

    COMPLETED = "job.completed"  # succeeded or partially_failed
    FAILED = "job.failed"  # no image could be read
    CANCELED = "job.canceled"
    EXPIRED = "job.expired"  # its time was over before it was finished


def body_of(stored: bytes) -> bytes:
    """The body that a receiver gets, from an event as the ledger stores it; always the same bytes."""
    event: dict[str, Any] = json.loads(stored)
    at = datetime.fromtimestamp(event["at"] / 1000, UTC)
    body = {
        "type": event["type"],
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {"id": event["id"], "state": event["state"], "counts": event["counts"]},
    }
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
