"""For schemathesis, which loads this: how to write bodies of content types that it does not know."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """Text is sent as it is: the OpenAPI document has examples of lines."""
    return value.encode(errors="replace") if isinstance(value, str) else str(value).encode()
