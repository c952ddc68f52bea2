"""What our Celery processes, workers and senders, have in common: how they run and how they log."""

import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from celery import Celery
from celery.platforms import EX_FAILURE, SecurityWarning
from celery.signals import setup_logging, worker_shutting_down

from . import logs
from .environment import warn_of_unknown_settings
from .leaving import leave_without
from .memory import give_memory_back
from .settings import QueueSettings

log = logging.getLogger(__name__)


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_logging(**_: Any) -> None:
    """Do nothing: Celery leaves logging to whoever handles this signal, and logs no doorbells."""


def configure(settings: QueueSettings, process: str) -> None:
    """Keep little memory, log as `settings` say, and exit if told to stop: at once before `run` begins,
    in time even without Redis; `process` is the kind of this one: worker or sender."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    worker_shutting_down.connect(lambda **_: leave_without(settings.redis_url), weak=False)
    give_memory_back()
    logs.configure(settings, process)
    warn_of_unknown_settings(log)
    if settings.log == "json" and sys.stdout:  # Celery says goodbye there, which is no line of JSON
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave(*_: object) -> None:
    raise SystemExit(os.EX_OK)


def run(app: Celery, queues: Sequence[str]) -> None:
    """Hear the doorbells of `queues`, one at a time in a thread, until told to stop; then exit."""
    # Celery warns of root because of pickle; only JSON is accepted here.
    warnings.simplefilter("ignore", SecurityWarning)
    silent = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
    worker = app.Worker(pool="threads", concurrency=1, queues=list(queues), quiet=True, **silent)
    told: list[str] = []
    worker_shutting_down.connect(lambda how, **_: told.append(how), weak=False)
    worker.start()
    # Celery calls SIGINT a failure, though it finishes what is in hand; told once more, it does not.
    finished = worker.exitcode == EX_FAILURE and told == ["Warm"]
    raise SystemExit(os.EX_OK if finished else worker.exitcode)
