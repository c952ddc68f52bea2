"""A process that `inkqueue up` runs and looks after."""

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from worker.prctl import die_with_parent

from .watchdog import Watchdog

log = logging.getLogger("inkqueue")

STOP_S = 15.0
CALM_S = 30.0
"""A child that ran longer is restarted at once; one that dies sooner, after ever longer pauses."""

PAUSES = (0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0)
"""Seconds until a restart, by the number of early deaths in a row; the last from then on."""

LAST_S = 1.0
"""How long a child may still break its silence once we have logged it."""


def _end_with(parent: int) -> None:
    with suppress(OSError):  # serve even if the kernel cannot do it
        die_with_parent(signal.SIGTERM, parent)


@dataclass
class Child:
    """A process of the stack and how it is doing."""

    name: str
    command: list[str]
    environment: dict[str, str]
    inherited: tuple[int, ...] = ()
    watchdog: Watchdog | None = None
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    failures: int = 0
    retry_at: float = 0.0
    warned_at: float = 0.0
    """When its silence was logged; 0.0 while it is not silent."""

    def start(self) -> None:
        """Start it in a session of its own, out of reach of Ctrl-C: the stack stops its children in
        order. On Linux the kernel ends it if the stack is killed."""
        self.started = time.monotonic()
        if self.watchdog:
            self.watchdog.restart()
        self.process = subprocess.Popen(
            self.command,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # Celery says goodbye there; what matters goes to stderr
            umask=0o077,  # the journal holds images and secrets, even if its folder was there already
            start_new_session=True,
            pass_fds=self.inherited,
            preexec_fn=partial(_end_with, os.getpid()) if sys.platform == "linux" else None,
        )

    def look_after(self) -> bool:
        """Kill it if it hangs; restart it if it died, after a pause. Return whether it was restarted."""
        if self.process is None:
            return False
        if self.process.poll() is None:
            self._kill_if_silent(self.process)
            return False
        if not self.retry_at:
            log.warning("%s ended with %s", self.name, self.process.returncode)
            self._pause()
        if time.monotonic() < self.retry_at:
            return False
        try:
            self.start()
        except OSError as error:  # out of memory or processes, for now
            log.warning("%s cannot be started: %s", self.name, error)
            self._pause()
            return False
        self.retry_at = 0.0
        return True

    def stop(self) -> None:
        """Terminate it; kill it if it has not ended after STOP_S."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _kill_if_silent(self, process: "subprocess.Popen[bytes]") -> None:
        """Log that it is silent, and kill it in a later call if it still is: while nobody reads the
        logs, as in a terminal that is held, it waits to write its own, and goes on when we do."""
        if not (self.watchdog and self.watchdog.expired()):
            self.warned_at = 0.0
        elif not self.warned_at:
            silence = self.watchdog.silence
            log.warning("%s has shown no sign of life for %.0f s: about to kill it", self.name, silence)
            self.warned_at = time.monotonic()
        elif time.monotonic() - self.warned_at > LAST_S:
            process.kill()
            self.watchdog.restart()
            self.warned_at = 0.0

    def _pause(self) -> None:
        now = time.monotonic()
        self.failures = 0 if now - self.started > CALM_S else self.failures + 1
        self.retry_at = now + PAUSES[min(self.failures, len(PAUSES) - 1)]
