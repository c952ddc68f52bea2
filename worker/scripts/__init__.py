"""The ledger's Lua scripts: the only code that changes what is stored of a job."""

import hashlib
from functools import cache
from importlib.resources import files

SHARED = ("common", "gathering", "bells", "room", "outbox", "ending")
"""What every script begins with; each of these stands on those before it."""

RELIEVED = (
    *("claim", "renew", "suspect", "absolve", "commit", "release", "turn"),
    *("cancel", "delete", "follow", "upkeep", "dispatch", "conclude", "pass", "seat"),
)
"""What goes on though Redis is at its maxmemory; who reads or deletes what is stored is counted, too."""

JOINT = ("submit",)
"""Scripts that may be asked several things in one call: what they are given says where each ends, and
they answer a list, one after the other. So whoever asks once is answered a list of one."""

SEQUENCES = {"turn": ("commit", "claim")}
"""Scripts that do in one call what others do one after the other: they are given the arguments of each,
led by how many they are, and answer a list of their answers."""

ALL = """
local answers, i = {}, 1
for place, work in ipairs(works) do
  local last = i + ARGV[i]
  answers[place], i = work({unpack(ARGV, i + 1, last)}), last + 1
  write_gathered()
end
return answers
"""

ONE = "local answer = works[1](ARGV)\nwrite_gathered()\nreturn answer"


@cache
def source(name: str) -> str:
    """The script `name`, with what all of them share in front; at its end it writes what it gathered."""
    shared = (*SHARED, "relief") if name in RELIEVED else SHARED
    works = [f"function(ARGV)\n{_text(each)}\nend" for each in SEQUENCES.get(name, (name,))]
    ending = ALL if name in SEQUENCES else ONE
    return "\n".join((*map(_text, shared), f"local works = {{{', '.join(works)}}}", ending))


@cache
def digests(*names: str) -> frozenset[str]:
    """What Redis knows these scripts by."""
    return frozenset(
        hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest() for name in names
    )


def _text(part: str) -> str:
    return (files(__name__) / f"{part}.lua").read_text()
