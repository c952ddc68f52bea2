"""The faults that can befall a command on its way to Redis and back, and plans of when they do."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .commands import Command


class Cut(Enum):
    """Where a connection breaks."""

    BEFORE = "before it is executed"
    AFTER = "after execution, before the reply"
    MIDDLE = "in the middle of the reply"


class Hang(Enum):
    """Where a connection goes silent, without ending."""

    BEFORE = "hangs before it is executed"
    AFTER = "executed, but the reply never comes"


@dataclass(frozen=True)
class Refusal:
    """Redis itself refuses, with an error reply; the command is not executed."""

    text: str

    @property
    def reply(self) -> bytes:
        """The reply as it is sent."""
        return f"-{self.text}\r\n".encode()


LOADING = Refusal("LOADING Redis is loading the dataset in memory")
OOM = Refusal("OOM command not allowed when used memory > 'maxmemory'.")
MISCONF = Refusal("MISCONF Errors writing to the AOF file: No space left on device")
READONLY = Refusal("READONLY You can't write against a read only replica.")
REFUSALS = (LOADING, OOM, MISCONF, READONLY)

Fault = Cut | Hang | Refusal
Plan = Callable[[Command], Fault | None]
"""Called for every command, in the order in which they come, by one thread."""


class Recorder:
    """A plan without faults, which notes the name of every command."""

    def __init__(self) -> None:
        self._names: list[str] = []

    @property
    def names(self) -> list[str]:
        """The names of all commands so far, in order."""
        return list(self._names)

    def __call__(self, command: Command) -> Fault | None:
        self._names.append(command.name)
        return None


class Nth:
    """A plan with one fault, at the `nth` command called `name`. `struck` is set once it happens."""

    def __init__(self, name: str, nth: int, fault: Fault) -> None:
        self._name, self._nth, self._fault = name, nth, fault
        self._seen: Counter[str] = Counter()
        self.struck = threading.Event()

    def __call__(self, command: Command) -> Fault | None:
        self._seen[command.name] += 1
        if command.name != self._name or self._seen[command.name] != self._nth:
            return None
        self.struck.set()
        return self._fault
