"""`python -m api`: one gateway process under uvicorn."""

import contextlib
import ctypes
from math import ceil

import uvicorn

from .app import create_app
from .auth import BadKeys, UnsafeAddress
from .edge.descriptors import room_for
from .edge.gate import BadEdge, Gate
from .edge.protocol import EdgeProtocol
from .settings import GatewaySettings

LARGE = 1 << 20


def main() -> None:
    """Serve until told to stop."""
    give_memory_back()
    settings = GatewaySettings()
    try:
        app = create_app(settings)
        most = room_for(settings.max_connections)
        gate = Gate.of(settings, most, bool(app.state.keyring), app.state.metrics.refused)
    except (BadKeys, BadEdge, UnsafeAddress) as error:
        raise SystemExit(f"gateway: {error}") from error
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=EdgeProtocol.through(gate),
        ws="none",
        timeout_keep_alive=ceil(settings.keep_alive_s),
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )


def give_memory_back() -> None:
    """Have glibc return what a large request took; left to itself it learns to keep it."""
    mmap_threshold = -3
    with contextlib.suppress(OSError, AttributeError):  # another libc
        ctypes.CDLL(None).mallopt(mmap_threshold, LARGE)


if __name__ == "__main__":
    main()
