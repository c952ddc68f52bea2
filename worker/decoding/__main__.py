"""`python -m worker.decoding MAX_PIXELS DECODE_S PROGRESS`: the fork server of decoders.

Forking a loaded process takes 2 ms, starting a new one 150. The server touches no untrusted image. Over
its stdin, a socket, it is sent the socket for each new decoder; it answers with the decoder's process id
and, when that has ended, its exit code. PROGRESS is the number of an open file (see progress.py).
"""

import contextlib
import gc
import os
import select
import signal
import socket
import sys

from ..memory import keep_memory
from ..prctl import die_with_parent
from .allowance import Allowance
from .progress import Progress
from .sandbox import enter, keep_only
from .serving import Strike, serve
from .warm_up import warm_up
from .wire import FACT, NO_MEMORY, READY, SEALED, UNSEALED


def main() -> None:
    """Serve until the worker closes the socket, or dies."""
    allowance = Allowance(int(sys.argv[1]), float(sys.argv[2]))
    progress = Progress(int(sys.argv[3]))
    control = socket.socket(fileno=0)
    warm_up()
    keep_memory()
    gc.freeze()
    control.sendall(FACT.pack(READY))
    while sockets := socket.recv_fds(control, 1, 1)[1]:
        server = os.getpid()
        child = os.fork()
        if not child:
            keep_only(sockets[0])
            _live(socket.socket(fileno=sockets[0]), progress, server, allowance)
        os.close(sockets[0])
        control.sendall(FACT.pack(child))
        if _outlives(control, child):
            os.kill(child, signal.SIGKILL)
        control.sendall(FACT.pack(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))


def _outlives(control: socket.socket, child: int) -> bool:
    """Wait until a decoder ends or the worker closes the socket; return whether the decoder is left."""
    ended = os.pidfd_open(child)
    try:
        return ended not in select.select([control.fileno(), ended], [], [])[0]
    finally:
        os.close(ended)


def _live(wire: socket.socket, progress: Progress, server: int, allowance: Allowance) -> None:
    """Run as a decoder, from fork to exit. It speaks to the worker only."""
    code = 1
    try:
        strike = _failpoints()
        die_with_parent(signal.SIGKILL, server)
        sealed = enter(allowance.max_pixels)
        os.close(2)  # from here on, untrusted code may be printing
        wire.sendall(SEALED if sealed else UNSEALED)
        serve(wire, progress, allowance, strike)
        code = 0
    except MemoryError:
        code = NO_MEMORY
    except Exception:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def _failpoints() -> Strike | None:
    """The harm that images may do in tests that ask for it; otherwise None."""
    if not os.environ.get("INKQUEUE_FAILPOINTS"):
        return None
    from .failpoints import strike

    return strike


if __name__ == "__main__":
    with contextlib.suppress(ConnectionError):  # the worker is gone
        main()
