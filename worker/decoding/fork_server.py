"""A worker's side of its fork server: has it fork decoders, and hears from it how they ended."""

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping

from .progress import Progress, shared
from .wire import FACT, READY, SEALED, UNSEALED

log = logging.getLogger(__name__)

START_S = 15.0
"""If a fork server is not ready, or a decoder not forked, within this time, there is no decoder."""

CLOSE_S = 2.0

PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "INKQUEUE_FAILPOINTS")
"""All that a decoder sees of the worker's environment: no Redis password, for one."""


class NoDecoder(OSError):
    """No decoder can be started here: not the fault of an image, nor of a network (RuntimeError)."""


class ForkServer:
    """The process that forks decoders: started here, ready a little later."""

    def __init__(self, max_pixels: int, decode_s: float) -> None:
        """For the limits of an image see allowance.Allowance. Raises NoDecoder."""
        self._control, theirs = _pair()
        self._control.settimeout(START_S)
        self._ready = False
        if os.environ.get("INKQUEUE_FAILPOINTS"):
            log.warning("INKQUEUE_FAILPOINTS is set: images can do harm, which is for tests only")
        with theirs:
            try:
                self.progress, self._process = _start(theirs, str(max_pixels), str(decode_s))
            except OSError as error:
                self._control.close()
                raise NoDecoder(f"no process for decoding images could be started: {error}") from error

    def fork(self) -> tuple[socket.socket, int]:
        """A new decoder: the socket to it, and its process id. Raises NoDecoder."""
        self._wait_ready()
        ours, theirs = _pair()
        with theirs:
            try:
                return ours, self._send(ours, theirs)
            except OSError as error:
                ours.close()
                raise NoDecoder(f"no decoder of images could be started: {error}") from error

    def bury(self, pid: int) -> int:
        """End the decoder if it has not ended; return its exit code, as subprocess would. Raises
        NoDecoder."""
        if not self._has_told():  # else it may be long gone, and its id that of another process
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return self._hear()

    def close(self) -> None:
        """End the fork server, which ends its decoder first."""
        self._control.close()
        try:
            self._process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, ours: socket.socket, theirs: socket.socket) -> int:
        """Have a decoder forked that gets `theirs`; return its process id once it is in its sandbox."""
        socket.send_fds(self._control, [b"+"], [theirs.fileno()])
        theirs.close()  # so that `ours` ends when the decoder does
        pid = self._hear()
        ours.settimeout(START_S)
        inside = ours.recv(1)
        if inside not in (SEALED, UNSEALED):
            raise NoDecoder("it ended before it had seen an image")
        if inside == UNSEALED:
            log.warning("decoders have limits but no seccomp here", extra={"event": "decoder.unsealed"})
        return pid

    def _wait_ready(self) -> None:
        if not self._ready and self._hear() != READY:
            raise NoDecoder("the process that starts decoders did not say that it is ready")
        self._ready = True

    def _has_told(self) -> bool:
        """Whether there is something to hear: a decoder has ended, or the fork server has."""
        watch = select.poll()
        watch.register(self._control, select.POLLIN)
        return bool(watch.poll(0))

    def _hear(self) -> int:
        """The next fact from the fork server. Raises NoDecoder."""
        try:
            fact = self._control.recv(FACT.size)
        except OSError as error:
            raise NoDecoder(f"the process that starts decoders does not answer: {error}") from error
        if len(fact) < FACT.size:
            raise NoDecoder("the process that starts decoders has ended")
        number: int = FACT.unpack(fact)[0]
        return number


def _pair() -> tuple[socket.socket, socket.socket]:
    try:
        return socket.socketpair()
    except OSError as error:
        raise NoDecoder(f"no socket for decoders of images: {error}") from error


def _start(control: socket.socket, *limits: str) -> tuple[Progress, "subprocess.Popen[bytes]"]:
    file = shared()
    try:
        return Progress(file), subprocess.Popen(
            # -P: a folder `worker` in the current directory is not ours, which is on PYTHONPATH.
            [sys.executable, "-P", "-m", "worker.decoding", *limits, str(file)],
            env=_environment(),
            stdin=control.fileno(),
            stdout=subprocess.DEVNULL,
            pass_fds=[file],
            start_new_session=True,  # Ctrl-C is for the worker, which ends this process
        )
    finally:
        os.close(file)


def _environment() -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    path = os.pathsep.join(filter(None, sys.path))
    return kept | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
