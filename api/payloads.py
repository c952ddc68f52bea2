"""Small JSON bodies, read within a limit and checked against a model: FastAPI would take any length."""

import codecs
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from . import twins
from .intake.spool import Limit
from .problems import Problem, first_fault

LONGEST = 4096

M = TypeVar("M", bound=BaseModel)


async def read_payload(request: Request, shape: type[M], hint: str = "", most: int = LONGEST) -> M:
    """The body as `shape`: at most `most` bytes of JSON; an empty body counts as {}.

    Raises `body-too-large`; or `invalid-parameter`, which says the first error and `hint`, or names a
    duplicate member.
    """
    body, limit = b"", Limit(most, request.headers.get("content-length"))
    async for data in request.stream():
        limit.add(len(data))
        body += data
    body = body.removeprefix(codecs.BOM_UTF8) or b"{}"  # RFC 8259, 8.1: it may be ignored
    try:
        given = shape.model_validate_json(body, strict=True)
        twins.loads(body)
    except ValidationError as error:
        raise Problem("invalid-parameter", f"{first_fault(error)}. {hint}".rstrip()) from error
    except ValueError as error:
        raise Problem("invalid-parameter", f"{error}.") from error
    return given


def body_schema(model: type[BaseModel]) -> dict[str, object]:
    """The OpenAPI description of such a body."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)  # they are among the components, since answers name them too
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": bool(schema.get("required")), "content": content}}
