"""The linker: builds the text that Redis runs from a script's file and the shared definitions it uses.

Redis has no `require`, and defining everything shared anew in each call is a good part of what a short
script costs. So only the definitions that a script uses, directly or through others, precede it; at its
end it writes what it gathered, and wakes workers, if any of these definitions gathers or wakes.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent

SHARED = ("common", "gathering", "bells", "room", "outbox", "ending")
"""The files of shared definitions; each may use those before it."""

RELIEVED = (
    *("claim", "renew", "suspect", "absolve", "commit", "release", "turn"),
    *("cancel", "delete", "follow", "upkeep", "dispatch", "conclude", "bucket", "semaphore", "beat"),
)
"""Scripts that run even at maxmemory (see relief.lua). `bucket` and `semaphore` are for requests that
read or delete."""

JOINT = ("submit",)
"""Scripts that take several requests in one call, each preceded by the number of its arguments, and
return a list of answers, even to a single request."""

SEQUENCES = {"turn": ("commit", "claim")}
"""Scripts that run others one after the other in one call: they take the arguments of each, preceded by
their number, and return a list of the answers."""

FOLLOWED = {"submit": ("claim",)}
"""Scripts that may run others at their end."""

ONE = "local answers = works[1](ARGV)"

ALL = """
local answers, i = {}, 1
for place, work in ipairs(works) do
  local last = i + ARGV[i]
  answers[place], i = work({unpack(ARGV, i + 1, last)}), last + 1
  write_gathered()
end
"""

ENDS = {("add", "later", "tell"): "write_gathered()", ("wake",): "wake_all(works[2])"}
"""What a script ends with if it uses one of these definitions, directly or through others."""

DEFINITION = re.compile(r"local (?:function )?([\w, ]+)")


@cache
def source(name: str) -> str:
    """The text of the script `name`, for EVAL or SCRIPT LOAD."""
    parts = SEQUENCES.get(name) or (name, *FOLLOWED.get(name, ()))
    works = [f"function(ARGV)\n{_text(each)}\nend" for each in parts]
    script = f"local works = {{{', '.join(works)}}}\n{ALL if name in SEQUENCES else ONE}"
    for definitions, end in ENDS.items():
        if any(_names(each) & {*definitions} for each in _needed(script)):
            script += f"\n{end}"
    relief = _text("relief") if name in RELIEVED else ""
    return "\n".join((*_needed(script), relief, script, "return answers"))


def _needed(script: str) -> list[str]:
    """The shared definitions that `script` uses, directly or through others, in order."""
    whole = "\n".join(map(_text, SHARED))
    words, needed = _words(script), list[str]()
    for text in reversed(re.split(r"^(?=local )", whole, flags=re.MULTILINE)):
        if words & _names(text):
            needed.insert(0, text)
            words |= _words(text)
    return needed


def _names(definition: str) -> set[str]:
    """The names that a text defines at its beginning; none if it does not begin with a definition."""
    defined = DEFINITION.match(definition)
    return _words(defined[1]) if defined else set()


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", re.sub("--.*", "", text)))


@cache
def digests(*names: str) -> frozenset[str]:
    """The SHA-1 digests by which Redis knows these scripts."""
    return frozenset(
        hashlib.sha1(source(name).encode(), usedforsecurity=False).hexdigest() for name in names
    )


def _text(part: str) -> str:
    return (FOLDER / f"{part}.lua").read_text()
