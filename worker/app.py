"""The Celery application of a worker or a sender: how doorbells travel.

No results, no remote control, no pickle: the ledger is the truth, Celery only wakes workers.
"""

import logging
from typing import Any

import redis
from celery import Celery, Task
from celery.app.amqp import AMQP
from kombu.connection import Connection

from .connections.connection import TIMEOUTS
from .connections.outage import Outage
from .logs import refuse
from .settings import BadSettings, QueueSettings
from .transport import install

log = logging.getLogger(__name__)

FAILED = {"event": "doorbell.failed"}


class Doorbell(Task):  # type: ignore[misc]
    """A task that never fails in the eyes of Celery, which would pickle and unpickle the exception.

    Nothing is lost by that: what is due stays due, and is rung for again.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except redis.RedisError as error:
            log.warning("a doorbell could not be followed: %s", error, extra=FAILED)
        except Exception:
            log.exception("a doorbell could not be followed", extra=FAILED)


SOON = {"interval_start": 0.2, "interval_step": 0.2, "interval_max": 1.0}
"""Seconds between attempts to reach Redis again."""


class PromptConnection(Connection):
    """Reconnects soon after Redis is back; kombu itself waits up to 30 s between attempts."""

    def ensure_connection(self, errback: object = None, *args: Any, **options: Any) -> Any:
        """Connect, however many attempts it takes. Celery's `errback` would log each of them."""
        outage = Outage(log, "the broker cannot be reached", "the broker is reached again")
        super().ensure_connection(  # type: ignore[no-untyped-call]
            lambda error, pause: outage.failed(error), *args, **options | SOON
        )
        outage.over()
        return self


class PromptAMQP(AMQP):  # type: ignore[misc]
    """Celery's way to its broker."""

    Connection = PromptConnection


def create_app() -> Celery:
    """An application without tasks, to which the caller adds its own."""
    install()
    try:
        settings = QueueSettings()
    except BadSettings as error:  # while a main module is imported, so there is nobody to catch it
        refuse("inkqueue", error)
    app = Celery(
        "inkqueue",
        broker=settings.broker_url or settings.redis_url,
        task_cls=Doorbell,
        amqp=PromptAMQP,
    )
    app.conf.update(
        accept_content=["json"],
        result_accept_content=["json"],
        broker_channel_error_retry=True,  # Redis may refuse for a while: out of memory, say
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_transport_options=TIMEOUTS,
        task_acks_late=False,  # a lost doorbell is rung again by upkeep
        task_ignore_result=True,
        task_serializer="json",
        # Only concerns tasks acknowledged late, which none is; unset, each loss of Redis logs a warning.
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
    )
    return app
