"""One file over HTTP, whole and checked or not at all; an interrupted download is resumed."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx

TIMEOUT_S = 30.0

Watch = Callable[[int, int | None], None]
"""Called with the bytes received so far and, if the server says, their total."""


class DownloadFailed(Exception):
    """A file could not be fetched from an address; the text says why."""


def download(url: str, path: Path, md5: str, watch: Watch) -> None:
    """Download the file at `url` to `path` by way of PATH.part. Raises DownloadFailed.

    A body that is cut off stays in PATH.part, and the next call asks for the rest (RFC 9110, 14.2),
    whatever mirror it goes to; a file with another checksum is removed.
    """
    draft = path.with_name(f"{path.name}.part")
    try:
        _receive(url, draft, watch)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise DownloadFailed(str(error) or type(error).__name__) from error
    if (found := md5_of(draft)) != md5:
        draft.unlink()
        raise DownloadFailed(f"the file there is not the right one: its MD5 is {found}, wanted {md5}")
    draft.replace(path)


def md5_of(path: Path) -> str:
    """The MD5 of a file, which these data sets are published with: against accidents, not malice."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _receive(url: str, draft: Path, watch: Watch) -> None:
    have = draft.stat().st_size if draft.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT_S) as answer:
        if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is left to ask for: the checksum decides
        answer.raise_for_status()
        if have and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            have = 0  # the server sends the file from its beginning
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        with draft.open("ab" if have else "wb") as file:
            for chunk in answer.iter_raw():
                file.write(chunk)
                have += len(chunk)
                watch(have, total)
