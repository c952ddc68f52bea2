"""What the clients of a campaign were told, and what they complain of."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from .evidence import Accepted, Answers, Heard


@dataclass
class Notes:
    """What all callers together were told."""

    redis_url: str
    accepted: list[Accepted] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    answers: Answers = field(default_factory=Answers)
    done: Counter[str] = field(default_factory=Counter)
    seen: dict[tuple[str, int], str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def accept(self, job: Accepted, kind: str) -> None:
        """Note a job that is known to be stored."""
        with self.lock:
            self.accepted.append(job)
            self.done[kind] += 1

    def complain(self, text: str) -> None:
        """Note what a client sees to be wrong."""
        with self.lock:
            self.complaints.append(f"client: {text}")
