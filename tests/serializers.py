"""For schemathesis, which loads it: how bodies are written of types that it does not know."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """Text as it is: the document gives examples of lines."""
    return value.encode(errors="replace") if isinstance(value, str) else str(value).encode()
