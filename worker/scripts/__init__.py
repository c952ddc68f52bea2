"""The ledger's Lua scripts: the only code that changes what is stored of a job."""

from functools import cache
from importlib.resources import files

SHARED = ("common", "gathering", "bells", "room", "outbox", "ending")
"""What every script begins with; each of these stands on those before it."""

RELIEVED = (
    *("claim", "renew", "suspect", "absolve", "commit", "release"),
    *("cancel", "delete", "upkeep", "dispatch", "conclude", "pass", "seat"),
)
"""What goes on though Redis is at its maxmemory; who reads or deletes what is stored is counted, too."""

ENDING = "local answer = work()\nwrite_gathered()\nreturn answer"


@cache
def source(name: str) -> str:
    """The script `name`, with what all of them share in front; what it gathered is written at its end."""
    shared = (*SHARED, "relief") if name in RELIEVED else SHARED
    body = f"local function work()\n{_text(name)}\nend"
    return "\n".join((*map(_text, shared), body, ENDING))


def _text(part: str) -> str:
    return (files(__name__) / f"{part}.lua").read_text()
