"""Request bodies for /docs, which FastAPI cannot derive since it does not parse them."""

from typing import Any

import orjson

from .. import spellings
from ..parameters import LONGEST_CHARSET, JobParameters

KEY = {"minLength": 1, "maxLength": spellings.LONGEST_KEY, "pattern": spellings.KEY}
"""The schema of an Idempotency-Key."""

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_IMAGES = {f"image/{kind}": _BINARY for kind in ("png", "jpeg", "tiff", "webp", "bmp")}
_BASE64 = (
    "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcAQAAAABaduI5AAAAPElEQVR42o3JMQ6AMAwEwYmFaHkyyo9NiyJMkyJ0"
    "NKvb21ZcAaEjnRk24riZAeGZS43KNfzFILTvt6/6AssvC/zHfky7AAAAAElFTkSuQmCC"
)
"""A small 7 in black on white."""


def _described(field: dict[str, Any]) -> dict[str, Any]:
    """The schema of an option, whose description says the default: a generated client would send what
    `default` says in the query, even where its form says something else."""
    default = field.pop("default")
    if default not in (None, {}):
        field["description"] += f"; by default {orjson.dumps(default).decode()}"
    return field


_OPTIONS: dict[str, Any] = {
    name: _described(field) for name, field in JobParameters.model_json_schema()["properties"].items()
}
"""The options as JSON has them."""


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` without null, for values of a query, a header or a form, which cannot be null."""
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and value is not None}
    return rest | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})


_TEXT_OPTIONS: dict[str, Any] = {name: without_null(field) for name, field in _OPTIONS.items()} | {
    "metadata": {"type": "string", "contentMediaType": "application/json", "example": '{"sheet": "7"}'}
}
"""The options as a query or a form has them: each of them text, metadata as JSON."""

SCHEMAS: dict[str, Any] = {
    "JobImage": {
        "type": "object",
        "required": ["image"],
        "additionalProperties": False,
        "properties": {
            "image": {
                "type": "string",
                "format": "byte",
                "description": "a file in base64, or a data: URI",
            },
            "custom_id": {"type": "string", "description": "its name in the results"},
            "charset": {
                "type": "string",
                "maxLength": LONGEST_CHARSET,
                "description": "the characters this image may be, instead of the job's charset",
            },
        },
    },
    "JobDocument": {
        "type": "object",
        "required": ["images"],
        "additionalProperties": False,
        "properties": {
            "images": {
                "type": "array",
                "minItems": 1,
                "items": {"$ref": "#/components/schemas/JobImage"},
            },
            **_OPTIONS,
        },
    },
    "JobForm": {
        "type": "object",
        "required": ["files"],
        "additionalProperties": False,
        "properties": {
            "files": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "format": "binary"},
            },
            **_TEXT_OPTIONS,
        },
    },
}
"""For the document's components: JSON and forms."""

_JSON: dict[str, Any] = {
    "schema": {"$ref": "#/components/schemas/JobDocument"},
    "example": {"images": [{"image": _BASE64, "custom_id": "form-3/cell-4"}], "top_k": 3},
}

JOB_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": {"$ref": "#/components/schemas/JobForm"}},
        "application/zip": _BINARY,
        **_IMAGES,
        "application/x-npy": _BINARY,
        "application/x-idx": _BINARY,
        "application/json": _JSON,
        "application/x-ndjson": {
            "schema": {"type": "string"},
            "example": f'{{"image": "{_BASE64}", "custom_id": "form-3/cell-4"}}\n',
        },
    },
}

IMAGE_BODY: dict[str, Any] = JOB_BODY | {
    "description": "exactly one image, in whatever form a job takes",
    "content": JOB_BODY["content"]
    | {"application/json": _JSON | {"example": {"images": [{"image": _BASE64}]}}},
}


def _header(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """An optional request header."""
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", **schema},
    }


IF_NONE_MATCH = _header("if-none-match", "an earlier ETag: answer 304 if it is still that")
PREFER = _header("prefer", "wait=N: answer when done, or after N seconds")
IDEMPOTENCY_KEY = _header("idempotency-key", "repeat safely", **KEY)

PARAMETERS: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "query",
        "required": False,
        "description": _OPTIONS[name].get("description", ""),
        "schema": {key: schema[key] for key in schema if key not in ("description", "title")},
    }
    for name, schema in _TEXT_OPTIONS.items()
]
