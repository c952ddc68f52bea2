"""`python -m worker`: one worker process in Celery's threads pool.

Celery's usual pool forks, which CUDA and OpenMP do not survive.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.signals import worker_init, worker_ready, worker_shutdown, worker_shutting_down
from redis import RedisError

from . import logs
from .engine.engine import engine
from .ledger.doorbell import queue
from .memory import tune_garbage_collection
from .process import configure, run
from .settings import WorkerSettings
from .tasks import app

log = logging.getLogger(__name__)

SURROUNDINGS = (RedisError, OSError, ImportError, RuntimeError, ValueError)
"""What is raised if Redis, a file, an engine or a device is missing, or a setting is wrong."""


@contextmanager
def _or_refuse() -> Iterator[None]:
    """End a worker that cannot start: Celery would log what a signal handler raises, and go on without a
    network. What is not one of SURROUNDINGS is a bug, and is logged as an error."""
    try:
        yield
    except Exception as error:
        level = logging.DEBUG if isinstance(error, SURROUNDINGS) else logging.ERROR
        log.log(level, "cannot start", exc_info=True)
        logs.refuse("worker", str(error) or repr(error))


@worker_init.connect  # type: ignore[untyped-decorator]
def load(**_: Any) -> None:
    """Load and warm the networks before any doorbell is heard."""
    with _or_refuse():
        logs.bind(worker=engine().id)


@worker_ready.connect  # type: ignore[untyped-decorator]
def announce(**_: Any) -> None:
    """Tell the ledger that this worker is ready."""
    with _or_refuse():
        tune_garbage_collection()
        engine().start()


@worker_shutting_down.connect  # type: ignore[untyped-decorator]
def finish(**_: Any) -> None:
    """Finish the batch in hand, claim no more."""
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
