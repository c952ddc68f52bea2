"""Refuses a query whose parameters an operation does not know, or that contradict each other: one of
them would change nothing."""

from collections.abc import Collection

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute

from .problems import Problem
from .spellings import unknown_parameter

CONTRACT = "/v1/"
"""Elsewhere, on pages and for monitors, foreign tools may add parameters of their own."""

_KNOWN: dict[str, Collection[str] | None] = {}
"""What `_find_known` found, by operation: it takes 70 us."""


def require_known(request: Request) -> None:
    """Check the query of a request. Raises `invalid-parameter`."""
    if not request.scope["query_string"]:
        return
    route: APIRoute = request.scope["route"]
    if route.name not in _KNOWN:
        _KNOWN[route.name] = _find_known(route)
    if (known := _KNOWN[route.name]) is None:
        return
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise Problem("invalid-parameter", f"{unknown_parameter(name, known)}.")
        if given.setdefault(name, value) != value:
            raise Problem(
                "invalid-parameter", f"{name!r} is given twice, with different values: give one."
            )


def _find_known(route: APIRoute) -> Collection[str] | None:
    """The parameters of an operation's query; None if it checks them itself, or takes any."""
    own = (route.openapi_extra or {}).get("parameters", ())
    if not route.path.startswith(CONTRACT) or any(each["in"] == "query" for each in own):
        return None
    fields = get_flat_params(route.dependant)
    return [each.alias for each in fields if isinstance(each.field_info, Query)]
