"""The ledger's Lua scripts: the only code that changes what is stored of a job."""

import hashlib
import re
from functools import cache
from importlib.resources import files

SHARED = ("common", "gathering", "bells", "room", "outbox", "ending")
"""What scripts stand on; each of these stands on those before it."""

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

FOLLOWED = {"submit": ("claim",)}
"""Scripts that have others at hand, for what comes of them."""

ONE = "local answers = works[1](ARGV)"

ALL = """
local answers, i = {}, 1
for place, work in ipairs(works) do
  local last = i + ARGV[i]
  answers[place], i = work({unpack(ARGV, i + 1, last)}), last + 1
  write_gathered()
end
"""

ENDS = {"within": "write_gathered()", "woken": "wake_all(works[2])"}
"""What ends a script that stands on definitions with this word."""

DEFINITION = re.compile(r"local (?:function )?([\w, ]+)")


@cache
def source(name: str) -> str:
    """The script `name`, behind the shared definitions it needs: making them anew is a good part of what
    a short one costs. At its end it writes what it gathered, then wakes whom it may."""
    parts = SEQUENCES.get(name) or (name, *FOLLOWED.get(name, ()))
    works = [f"function(ARGV)\n{_text(each)}\nend" for each in parts]
    script = f"local works = {{{', '.join(works)}}}\n{ALL if name in SEQUENCES else ONE}"
    for word, end in ENDS.items():
        if any(word in _words(each) for each in _needed(script)):
            script += f"\n{end}"
    relief = _text("relief") if name in RELIEVED else ""
    return "\n".join((*_needed(script), relief, script, "return answers"))


def _needed(script: str) -> list[str]:
    """The shared definitions that `script` stands on, in order."""
    whole = "\n".join(map(_text, SHARED))
    words, needed = _words(script), list[str]()
    for text in reversed(re.split(r"^(?=local )", whole, flags=re.MULTILINE)):
        defined = DEFINITION.match(text)
        if defined and words & _words(defined[1]):
            needed.insert(0, text)
            words |= _words(text)
    return needed


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", re.sub("--.*", "", text)))


@cache
def digests(*names: str) -> frozenset[str]:
    """What Redis knows these scripts by."""
    return frozenset(
        hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest() for name in names
    )


def _text(part: str) -> str:
    return (files(__name__) / f"{part}.lua").read_text()
