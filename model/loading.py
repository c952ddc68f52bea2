"""While a program loads its modules, which takes a second, Ctrl-C ends it without a traceback."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Within it, Ctrl-C ends the process at once, unless it is ignored, or handled by somebody else."""
    handler = signal.getsignal(signal.SIGINT)
    may_set = threading.current_thread() is threading.main_thread()
    if ours := may_set and handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    yield
    if ours:
        signal.signal(signal.SIGINT, handler)
