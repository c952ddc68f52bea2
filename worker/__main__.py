"""`python -m worker`: one worker process in Celery's threads pool.

CUDA and OpenMP do not survive a fork, so there is none.
"""

import os
import sys
import warnings
from typing import Any

import redis
from celery.platforms import SecurityWarning
from celery.signals import (
    setup_logging,
    worker_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)

from . import logs
from .app import app
from .connection import UnsafeRedis
from .doorbell import queue
from .engine import engine, served_models
from .settings import WorkerSettings


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_logging(**_: Any) -> None:
    """Celery leaves logging as it is once this is connected; it would tell of every doorbell."""


@worker_init.connect  # type: ignore[untyped-decorator]
def load(**_: Any) -> None:
    """Load and warm the networks before any doorbell is heard."""
    try:
        logs.bind(worker=engine().id)
    except (UnsafeRedis, redis.RedisError, ValueError, OSError) as error:
        # Celery would log an Exception of a signal handler and go on without a network.
        raise SystemExit(f"worker: {error}") from error


@worker_ready.connect  # type: ignore[untyped-decorator]
def announce(**_: Any) -> None:
    """Tell the ledger that this worker is ready."""
    engine().start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def finish(**_: Any) -> None:
    """Let the batch in hand be the last."""
    engine().stop()


@worker_shutdown.connect  # type: ignore[untyped-decorator]
def leave(**_: Any) -> None:
    """Tell the ledger that this worker is gone."""
    engine().close()


def main() -> None:
    """Run until told to stop."""
    settings = WorkerSettings()
    logs.configure(settings, "worker")
    if settings.log == "json":  # Celery says goodbye on stdout, which is no line of JSON
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # Celery warns of root because of pickle; only JSON is accepted here.
    warnings.simplefilter("ignore", SecurityWarning)
    queues = ",".join(queue(model) for model in served_models(settings))
    options = ["--pool=threads", "--concurrency=1", f"--queues={queues}"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["--quiet", "worker", *options, *quiet])


if __name__ == "__main__":
    main()
