"""The ledger's Lua scripts: the only code that changes what is stored of a job."""

from functools import cache
from importlib.resources import files

SHARED = ("common", "room", "outbox", "ending")
"""What every script begins with; each of these stands on those before it."""

RELIEVED = (
    *("claim", "renew", "suspect", "absolve", "commit", "release"),
    *("cancel", "delete", "upkeep", "dispatch", "conclude", "pass", "seat"),
)
"""What goes on though Redis is at its maxmemory; who reads or deletes what is stored is counted, too."""


@cache
def source(name: str) -> str:
    """The script `name`, with what all of them share in front."""
    folder = files(__name__)
    relief = ("relief",) if name in RELIEVED else ()
    return "\n".join((folder / f"{part}.lua").read_text() for part in (*SHARED, *relief, name))
