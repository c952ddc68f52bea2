"""A JSON parser that refuses duplicate members: RFC 8259 leaves open which of two is lost."""

import json
from collections import Counter
from typing import Any


def loads(data: bytes | bytearray | memoryview) -> Any:
    """Parse `data`. Raises ValueError, which names a duplicate member, or RecursionError."""
    return _DECODER.decode(str(data, "utf-8"))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twin, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"{twin[:40]!r} occurs twice in one object, and one would be lost")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
