"""For schemathesis, which loads this: how to write bodies of content types that it does not know, and
what it does not check by itself.
"""

from collections.abc import Mapping
from typing import Any

import schemathesis

from api.problems import MEDIA_TYPE
from api.security_headers import SAFETY

from contract import listed, response_of

PLAIN = {
    "content-type",
    "content-length",
    "date",
    "connection",
    "transfer-encoding",
    "x-accel-buffering",
}
"""Headers that need no description, beside SAFETY: they are HTTP's own, or for a proxy."""


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """Text is sent as it is: the OpenAPI document has examples of lines."""
    return value.encode(errors="replace") if isinstance(value, str) else str(value).encode()


@schemathesis.check
def problems_are_listed(context: Any, response: Any, case: Any) -> None:
    """Each refusal is one of those that its operation lists for the status; a method that is not allowed
    has no operation."""
    if response.headers.get("content-type") == [MEDIA_TYPE] and response.status_code != 405:
        slug = response.json()["type"].removeprefix("/problems/")
        assert slug in listed(_description(response, case)), f"{slug} is not listed"


@schemathesis.check
def headers_are_described(context: Any, response: Any, case: Any) -> None:
    """No answer carries a header that nobody is told of."""
    if response.status_code != 405:
        told = {each.lower() for each in (*_description(response, case).get("headers", ()), *SAFETY)}
        assert not response.headers.keys() - told - PLAIN, f"{response.headers.keys() - told - PLAIN}"


def _description(response: Any, case: Any) -> Mapping[str, Any]:
    operation = case.operation
    return response_of(operation.schema.raw_schema, operation.definition.raw, response.status_code)
