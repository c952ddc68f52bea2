"""For schemathesis, which loads this: how to write bodies of content types that it does not know, and
what it does not check by itself.
"""

from typing import Any

import schemathesis

from api.problems import MEDIA_TYPE

from contract import listed


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """Text is sent as it is: the OpenAPI document has examples of lines."""
    return value.encode(errors="replace") if isinstance(value, str) else str(value).encode()


@schemathesis.check
def problems_are_listed(context: Any, response: Any, case: Any) -> None:
    """Each refusal is one of those that its operation lists for the status; a method that is not allowed
    has no operation."""
    described = case.operation.definition.raw["responses"].get(str(response.status_code))
    if response.headers.get("content-type") == [MEDIA_TYPE] and response.status_code != 405:
        slug = response.json()["type"].removeprefix("/problems/")
        assert slug in listed(described or {}), f"{case.operation.label} does not list {slug}"
