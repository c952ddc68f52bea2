"""The workers' Celery application and its one task: a doorbell rang, so drain what is due."""

from .app import create_app
from .engine.engine import engine
from .ledger.doorbell import TASK

app = create_app()


@app.task(name=TASK)  # type: ignore[untyped-decorator]
def drain(model: str) -> None:
    """Read what is due for `model` until nothing is, or the time slice is over."""
    engine().drain(model)
