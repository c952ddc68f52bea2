"""The one Celery task: a doorbell rang, so drain what is due."""

import logging
import os

from celery.worker import state

from .app import app
from .decoding.nursery import NoDecoder
from .doorbell import TASK
from .engine import engine

log = logging.getLogger(__name__)


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def drain(model: str) -> None:
    """Read what is due for `model` until nothing is, or the time slice is over."""
    try:
        engine().drain(model)
    except NoDecoder as error:
        log.critical("%s; ending this worker", error, extra={"event": "worker.ending"})
        state.should_stop = os.EX_UNAVAILABLE
