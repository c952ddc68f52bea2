"""Serving from this machine: `inkqueue up`."""

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from worker import logs
from worker.embedded import NoRedis, free_port
from worker.settings import BadSettings, QueueSettings

from ..stack.stack import WORKERS, Stack
from .console import Refusal, notes
from .readiness import address, wait_ready


def up(
    host: Annotated[
        str, typer.Option(envvar="INKQUEUE_HOST", help="the address to listen on")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="INKQUEUE_PORT", min=0, max=65535, help="0: any free one")
    ] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="how many processes read images")] = WORKERS,
    api_workers: Annotated[
        int, typer.Option(min=1, help="how many processes take requests, all on one port")
    ] = 1,
    data: Annotated[
        Path, typer.Option(file_okay=False, help="where jobs are kept, unless REDIS_URL is set")
    ] = Path("inkqueue-data"),
) -> None:
    """Serve until Ctrl-C: Redis, a gateway and workers. Jobs stay in the data folder."""
    from .checks import require_startable, reserved  # other commands need not wait for it

    began = time.monotonic()
    stack = Stack(host, port or free_port(), workers, data, api_workers=api_workers)
    try:
        settings = QueueSettings()
        logs.configure(settings, "stack")
        if settings.log == "text":
            stack.log_level = "warning"  # a person wants only warnings
        say = _say_in_json if settings.log == "json" else notes.print
        require_startable(stack)
        with reserved(stack.host, stack.port):
            stack.run(lambda: _announce(stack, began, say))
    except (Refusal, BadSettings, NoRedis, OSError) as error:
        if os.environ.get("INKQUEUE_LOG") == "json":
            logs.refuse("stack", error)
        if isinstance(error, OSError):
            raise
        raise Refusal(str(error)) from error
    say("stopped")


def _say_in_json(words: str) -> None:
    """Log what a person would be told, as a line of JSON."""
    logging.getLogger("inkqueue").info(words, extra={"event": "stack"})


def _announce(stack: Stack, began: float, say: Callable[[str], object]) -> None:
    """Say where the gateway is, and later, that it is ready."""
    say(f"starting on {address(stack)}")

    def wait() -> None:
        if wait_ready(stack, lambda: stack.stopping):
            seconds = time.monotonic() - began
            say(f"READY in {seconds:.1f} s: {address(stack)} (a page to open; the API: /docs)")

    threading.Thread(target=wait, name="readiness", daemon=True).start()
