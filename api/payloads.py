"""Small JSON bodies, read within a limit and checked against a model: FastAPI would take any length."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from .intake.spool import limited
from .problems import Problem

Model = TypeVar("Model", bound=BaseModel)


async def read_payload(request: Request, model: type[Model], most: int, hint: str) -> Model:
    """The body as `model`, an empty one as {}. Raises `body-too-large` or `invalid-parameter`."""
    body = b""
    async for data in limited(request.stream(), most, request.headers.get("content-length")):
        body += data
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise Problem("invalid-parameter", hint) from error


def body_schema(model: type[BaseModel]) -> dict[str, object]:
    """What /docs says of such a body."""
    return {"requestBody": {"content": {"application/json": {"schema": model.model_json_schema()}}}}
