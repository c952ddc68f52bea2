"""`python -m worker`: one worker process in Celery's threads pool.

Celery's usual pool forks, which CUDA and OpenMP do not survive.
"""

from typing import Any

import redis
from celery.signals import worker_init, worker_ready, worker_shutdown, worker_shutting_down

from . import logs
from .app import app
from .doorbell import queue
from .engine import engine
from .machine import tune_garbage_collection
from .process import configure, run
from .settings import WorkerSettings


@worker_init.connect  # type: ignore[untyped-decorator]
def load(**_: Any) -> None:
    """Load and warm the networks before any doorbell is heard."""
    try:
        logs.bind(worker=engine().id)
    except (redis.RedisError, RuntimeError, ValueError, OSError) as error:
        # Celery would log an Exception of a signal handler and go on without a network.
        logs.refuse("worker", error)


@worker_ready.connect  # type: ignore[untyped-decorator]
def announce(**_: Any) -> None:
    """Tell the ledger that this worker is ready."""
    tune_garbage_collection()
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
    try:
        settings = WorkerSettings()
        queues = [queue(model) for model in settings.served_models()]
    except ValueError as error:
        logs.refuse("worker", error)
    configure(settings, "worker")
    run(app, queues)


if __name__ == "__main__":
    main()
