"""The Celery applications: how doorbells travel. `celery -A worker.app worker` finds the workers' one.

No results, no remote control, no pickle: the ledger is the truth, Celery only wakes.
"""

from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from kombu.connection import Connection

from .connection import TIMEOUTS
from .settings import QueueSettings

PAUSES: dict[str, Any] = {"interval_start": 0.1, "interval_step": 0.2, "interval_max": 1.0}


class _Link(Connection):
    """Looks every second at most whether Redis is back; kombu's own pauses grow by 2 to 30 s."""

    def _ensure_connection(self, *args: Any, **kwargs: Any) -> Any:
        return super()._ensure_connection(*args, **(PAUSES | kwargs))  # type: ignore[no-untyped-call]


class _Links(AMQP):  # type: ignore[misc]
    Connection = _Link


def create_app(*tasks: str) -> Celery:
    """An application whose tasks stand in the modules `tasks`."""
    app = Celery("inkqueue", broker=QueueSettings().redis_url, include=tasks, amqp=_Links)
    app.conf.update(
        accept_content=["json"],
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_transport_options=TIMEOUTS | {"visibility_timeout": 60},
        task_acks_late=False,  # a lost doorbell is rung again by upkeep
        task_ignore_result=True,
        task_serializer="json",
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
    )
    return app


app = create_app("worker.tasks")
