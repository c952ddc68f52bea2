"""`python -m api`: one gateway process under uvicorn."""

import contextlib
import ctypes
import logging

import uvicorn

from worker import logs

from .access import Access
from .app import create_app
from .auth import BadKeys, UnsafeAddress
from .settings import GatewaySettings

LARGE = 1 << 20


def main() -> None:
    """Serve until told to stop."""
    give_memory_back()
    settings = GatewaySettings()
    logs.configure(settings, "gateway")
    logging.getLogger("uvicorn.access").addFilter(Access())
    try:
        app = create_app(settings)
    except (BadKeys, UnsafeAddress) as error:
        raise SystemExit(f"gateway: {error}") from error
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        server_header=False,
        log_config=None,  # as configured above
        log_level=settings.log_level,
        timeout_graceful_shutdown=10,
    )


def give_memory_back() -> None:
    """Have glibc return what a large request took; left to itself it learns to keep it."""
    mmap_threshold = -3
    with contextlib.suppress(OSError, AttributeError):  # another libc
        ctypes.CDLL(None).mallopt(mmap_threshold, LARGE)


if __name__ == "__main__":
    main()
