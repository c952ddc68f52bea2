"""What FastAPI cannot derive for /docs, since bodies are read as they come."""

from typing import Any

from .parameters import JobParameters
from .problems import MEDIA_TYPE

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_IMAGES = {f"image/{kind}": _BINARY for kind in ("png", "jpeg", "tiff", "webp", "bmp")}
_BASE64 = "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAAA..."

JOB_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "files": {"type": "array", "items": {"type": "string", "format": "binary"}}
                },
            }
        },
        "application/zip": _BINARY,
        **_IMAGES,
        "application/x-npy": _BINARY,
        "application/x-idx": _BINARY,
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["images"],
                "properties": {"images": {"type": "array", "items": {"type": "object"}}},
            },
            "example": {"images": [{"image": _BASE64, "custom_id": "form-3/cell-4"}], "top_k": 3},
        },
        "application/x-ndjson": {
            "schema": {"type": "string"},
            "example": f'{{"image": "{_BASE64}", "custom_id": "form-3/cell-4"}}\n',
        },
    },
}

IMAGE_BODY: dict[str, Any] = {
    "required": True,
    "content": _IMAGES
    | {"application/json": {"schema": {"type": "object"}, "example": {"images": [{"image": _BASE64}]}}},
}

PARAMETERS: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "query",
        "required": False,
        "description": field.get("description", ""),
        "schema": {key: value for key, value in field.items() if key not in ("description", "title")},
    }
    for name, field in JobParameters.model_json_schema()["properties"].items()
]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "A problem (RFC 9457); /problems/{slug} explains each type",
        "content": {
            MEDIA_TYPE: {
                "example": {
                    "type": "/problems/too-many-images",
                    "title": "Too many images for one job",
                    "status": 413,
                    "detail": "A job takes at most 1000000 images.",
                    "instance": "/v1/jobs",
                    "limit": 1000000,
                }
            }
        },
    }
}
