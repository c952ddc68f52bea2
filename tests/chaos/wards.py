"""Processes under a supervisor that restarts whatever dies, as docker's `restart` does.

Docker waits 100 ms before it restarts a container that died. It waits longer for one that keeps dying
at once, but processes that are killed from outside do not.
"""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

RESTART_S = 0.1
LOOK_S = 0.02


@dataclass
class Ward:
    """A process and its successors under one name; their output goes to `log`."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    answers: Callable[[int], bool] = lambda pid: True
    process: "subprocess.Popen[bytes] | None" = None
    ready_pid: int = 0
    descriptors: int = 0
    kills: int = 0
    pids: list[int] = field(default_factory=list)
    down_since: float = 0.0
    restarts_s: list[float] = field(default_factory=list)
    deaths: Counter[int] = field(default_factory=Counter)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def pid(self) -> int:
        """The id of the running process; 0 if there is none."""
        return self.process.pid if self.process and self.process.poll() is None else 0

    @property
    def ready(self) -> bool:
        """Whether the running process has been seen to work."""
        return self.pid != 0 and self.pid == self.ready_pid

    def start(self) -> None:
        """Start the process."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=os.environ | dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        self.pids.append(self.process.pid)

    def kill(self) -> float:
        """Kill it with SIGKILL; return when it was dead (s since 1970)."""
        with self.lock:
            assert self.process
            self.process.kill()
            self.process.wait()
            self.kills += 1
            return time.time()

    def look_after(self) -> None:
        """Restart it if it is dead and it is time; see whether it works."""
        with self.lock:
            now = time.monotonic()
            if self.process is None:
                return
            if self.process.poll() is None:
                self._see()
            elif not self.down_since:
                self.deaths[self.process.returncode] += 1
                self.down_since = now
            elif now - self.down_since >= RESTART_S:
                self.restarts_s.append(now - self.down_since)
                self.down_since = 0.0
                self.start()

    def stop(self) -> None:
        """End it for good."""
        with self.lock:
            process, self.process = self.process, None
        if process:
            process.kill()
            process.wait()

    def _see(self) -> None:
        pid = self.pid
        if pid and not self.ready and self.answers(pid):
            with suppress(psutil.NoSuchProcess):  # it may have ended since
                self.descriptors = psutil.Process(pid).num_fds()
                self.ready_pid = pid


class Warden(threading.Thread):
    """Looks after wards until stopped; then stops them, the first one last."""

    def __init__(self, wards: Sequence[Ward]) -> None:
        super().__init__(name="warden", daemon=True)
        self.wards = wards
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            for ward in self.wards:
                ward.look_after()

    def wait_ready(self, seconds: float) -> None:
        """Wait until every ward works. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while lame := [ward.name for ward in self.wards if not ward.ready]:
            if time.monotonic() > end:
                raise TimeoutError(f"not ready: {', '.join(lame)}")
            time.sleep(LOOK_S)

    def stop(self) -> None:
        """Stop looking after the wards, and stop them all."""
        self._stopping.set()
        self.join()
        for ward in reversed(self.wards):
            ward.stop()


def python(module: str) -> list[str]:
    """The command line of a module of ours."""
    return [sys.executable, "-m", module]
