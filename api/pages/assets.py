"""Static files under an address that changes with their content, so that browsers keep them for good."""

import hashlib
from importlib.metadata import version
from pathlib import Path

import fastapi_offline
from fastapi import Request, Response
from fastapi.staticfiles import StaticFiles

FOREVER = "public, max-age=31536000, immutable"
FRESH = "no-cache"
"""For an old page, which asks by an old address: it may have the file, but not keep it."""


class Assets:
    """A folder of files, and the address below /static where they are."""

    def __init__(self, folder: Path, digest: str) -> None:
        self._files, self.digest = StaticFiles(directory=folder), digest

    async def answer(self, request: Request, digest: str, path: str) -> Response:
        """The file at `path`, with an ETag; 304 for a client that has it. Raises HTTPException 404."""
        response = await self._files.get_response(path, request.scope)
        response.headers["Cache-Control"] = FOREVER if digest == self.digest else FRESH
        return response


def own_assets() -> Assets:
    """The page's own scripts and styles."""
    folder = Path(__file__).parent / "static"
    content = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return Assets(folder, content.hexdigest()[:12])


def swagger_assets() -> Assets:
    """Swagger UI, as the package fastapi-offline brings it."""
    folder = Path(fastapi_offline.__file__).parent / "static"
    return Assets(folder, f"swagger-{version('fastapi-offline')}")
