"""The parameters of a job, and their checks against settings and the served models."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from model.card import Card
from model.layout import Kind
from worker.ledger.jobs import Lane
from worker.webhooks.urls import ForbiddenUrl, Policy, parse_url

from . import twins
from .problems import Problem, first_fault
from .settings import GatewaySettings
from .spellings import unknown_parameter

DEFAULT_MODEL = "balanced"
LONGEST_CHARSET = 100
MOST_ACROSS = 200
"""Most rows or columns of a grid."""


class JobParameters(BaseModel):
    """Query parameters of a submission; a form or JSON body may carry them as fields instead."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Annotated[str | None, Field(description="a name from /v1/models")] = None
    charset: Annotated[
        str | None,
        Field(
            max_length=LONGEST_CHARSET, description="digits, letters, upper, lower, or the characters"
        ),
    ] = None
    top_k: Annotated[int, Field(ge=1, le=10, description="candidates per image")] = 3
    normalize: Annotated[
        Literal["auto", "none"],
        Field(description="none: images are taken as they are, resized to 28x28 but not improved"),
    ] = "auto"
    layout: Annotated[
        Kind,
        Field(description="how characters are arranged: one per image, a line, a page, ruled cells"),
    ] = "character"
    rows: Annotated[
        int | None,
        Field(ge=1, le=MOST_ACROSS, description="rows of a grid; if left out, ruled cells are found"),
    ] = None
    columns: Annotated[
        int | None,
        Field(ge=1, le=MOST_ACROSS, description="columns of a grid; give both, or neither"),
    ] = None
    priority: Annotated[
        Lane | None, Field(description="by default small jobs are interactive, large ones bulk")
    ] = None
    keep_images: Annotated[
        bool, Field(description="keep uploads as long as the job, for /image and /preview.png")
    ] = False
    expires_in: Annotated[
        int | None, Field(ge=10, description="seconds after which the job is deleted, done or not")
    ] = None
    callback_url: Annotated[
        str | None,
        Field(description="URL to notify of the job's end; see POST /v1/webhooks/callback/secret"),
    ] = None
    metadata: Annotated[
        dict[str, str], Field(max_length=16, description="JSON object of strings, kept with the job")
    ] = {}

    @field_validator("metadata", mode="before")
    @classmethod
    def _from_json(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            found = orjson.loads(value)
            twins.loads(value.encode())  # its ValueError names a duplicate member
        except (orjson.JSONDecodeError, RecursionError) as error:
            raise ValueError("not a JSON object of strings") from error
        return found

    @field_validator("metadata")
    @classmethod
    def _is_short(cls, value: dict[str, str]) -> dict[str, str]:
        if any(len(key) > 64 or len(text) > 512 for key, text in value.items()):
            raise ValueError("keys have up to 64 characters and values up to 512")
        return value


def parse_parameters(*given: tuple[str, str]) -> JobParameters:
    """Parse (name, value) pairs; one given twice must agree, however it is written. An empty value is
    that of a form's field that was left empty: none. Raises `invalid-parameter`."""
    merged: dict[str, str] = {}
    for key, value in given:
        if not value and key in JobParameters.model_fields:
            continue
        first = merged.setdefault(key, value)
        if first != value and _validated({key: first}) != _validated({key: value}):
            raise Problem("invalid-parameter", f"{key[:80]!r} is given twice, with different values.")
    return _validated(merged)


def require_types(options: Mapping[str, Any]) -> None:
    """Check that the options of a JSON document are of their own types, not texts as in a query. Raises
    `invalid-parameter`."""
    _validated(options, strict=True)


def _validated(options: Mapping[str, Any], strict: bool = False) -> JobParameters:
    try:
        return JobParameters.model_validate(options, strict=strict)
    except ValidationError as error:
        raise Problem("invalid-parameter", f"{_reason(error)}.") from error


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] != "extra_forbidden":
        return first_fault(error)
    name = str(first["loc"][0])
    if name == "wait":
        return "wait: to wait for the end, send the header `Prefer: wait=SECONDS`"
    return unknown_parameter(name, JobParameters.model_fields)


def find_model(wanted: str | None, cards: Mapping[str, Card]) -> Card:
    """The card of the model asked for. Raises `unknown-model`."""
    name = wanted or (DEFAULT_MODEL if DEFAULT_MODEL in cards else next(iter(cards)))
    if name not in cards:
        raise Problem("unknown-model", f"{name!r} is not served; choose one of {', '.join(cards)}.")
    return cards[name]


def life_s(parameters: JobParameters, settings: GatewaySettings) -> int:
    """Seconds to keep the job. Raises `invalid-parameter` over the limit."""
    wanted = parameters.expires_in or settings.expires_in
    if wanted > settings.max_expires_in:
        raise Problem("invalid-parameter", f"expires_in: at most {settings.max_expires_in} s.")
    return wanted


def require_url(url: str, policy: Policy) -> str:
    """`url`, if webhooks may be sent there. Raises `webhook-url-forbidden`."""
    try:
        parse_url(url, policy)
    except ForbiddenUrl as error:
        raise Problem("webhook-url-forbidden", f"{error}.") from error
    return url
