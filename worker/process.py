"""What our Celery processes, workers and senders, have in common: how they run and how they log."""

import logging
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging


@setup_logging.connect  # type: ignore[untyped-decorator]
def keep_logging(**_: Any) -> None:
    """Celery leaves logging as it is once this is connected; it would tell of every doorbell."""
    logging.getLogger("celery").setLevel(logging.WARNING)


def run(app: Celery, queues: Sequence[str]) -> None:
    """Hear the doorbells of `queues`, one at a time in a thread, until told to stop."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    # Celery warns of root because of pickle; only JSON is accepted here.
    warnings.simplefilter("ignore", SecurityWarning)
    options = ["--pool=threads", "--concurrency=1", f"--queues={','.join(queues)}"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    app.worker_main(["--quiet", "worker", *options, *quiet])
