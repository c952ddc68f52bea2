"""A small JSON body as what it should be. FastAPI would take one of any length."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from .intake.spool import limited
from .problems import Problem

LONGEST = 4096

M = TypeVar("M", bound=BaseModel)


async def read_payload(request: Request, shape: type[M], hint: str = "") -> M:
    """The body, by default {}. Raises `invalid-parameter` that says `hint`, or the first fault."""
    body = b""
    async for data in limited(request.stream(), LONGEST, request.headers.get("content-length")):
        body += data
    try:
        return shape.model_validate_json(body or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))[:80] or "body"
        raise Problem("invalid-parameter", hint or f"{name}: {first['msg']}.") from error
