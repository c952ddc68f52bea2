"""Turns what is submitted into one body that can be sent again: a file, bytes, an array, a ZIP of files;
or a form, if there are ZIPs among several files, or more files than a ZIP may have.

Names are relative to the deepest folder that holds everything given. Files, except pipes, are never held
in memory.
"""

import errno
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby, islice
from pathlib import Path
from typing import IO, Any, Protocol, Self, runtime_checkable
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from model.folders import SUFFIXES, find_images

from ..file_types import container_type, image_type
from .errors import BadCall, FileChanged

IN_MEMORY = 4 << 20
BLOCK = 1 << 18
ZIP_TYPE = "application/zip"
ENTRIES = 100_000
"""Files in one ZIP: a gateway reads no more of them, but several ZIPs."""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@runtime_checkable
class Array(Protocol):
    """A NumPy array, (n, 28, 28) or (28, 28) uint8; NumPy itself is imported only for one."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...


Bytes = bytes | bytearray | memoryview
What = str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | Bytes | Array


class Upload:
    """A body and its media type. Closing it deletes its temporary file, if it has one."""

    def __init__(self, file: IO[bytes], content_type: str) -> None:
        self._file, self.content_type = file, content_type
        file.seek(0, os.SEEK_END)
        self.size = file.tell()

    def blocks(self) -> Iterator[bytes]:
        """The body from its beginning, `size` bytes. Raises FileChanged before the last block."""
        self._file.seek(0)
        left = self.size
        while left:
            block = self._file.read(min(BLOCK, left))
            left -= len(block)
            if not block or (not left and self._file.read(1)):
                raise FileChanged(f"{self._file.name} was changed while it was sent: send it again")
            yield block

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()


def prepare(what: What) -> Upload:
    """`what` as one body. Raises NoImages; BadCall if it is nothing that can be sent, or if there is no
    room to pack it."""
    try:
        return _packed(what)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        where = f"the images cannot be packed in {tempfile.gettempdir()} ({error.strerror})"
        raise BadCall(f"{where}: name another folder in TMPDIR, or send fewer at a time") from None


def _packed(what: What) -> Upload:
    if isinstance(what, Bytes):
        what = bytes(what)
        known = container_type(what) or image_type(what)
        return Upload(_spooled(what), known or "application/octet-stream")
    if isinstance(what, Array):
        return Upload(_npy(what), "application/x-npy")
    paths = _paths(what)
    files = find_images(paths)
    if len(files) == 1 and not files[0].is_file():  # a pipe can be read once, and not measured
        return _packed(files[0].read_bytes())
    if len(files) == 1 and (kind := _container_in(files[0])):
        return Upload(files[0].open("rb"), kind)
    folder = _common_folder(paths)
    if len(files) > ENTRIES or any(map(_is_zip, files)):
        return _form(files, folder)
    return Upload(_zip(files, folder), ZIP_TYPE)


def _paths(what: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Path]:
    try:
        given = [os.fspath(path) for path in ([what] if isinstance(what, str | os.PathLike) else what)]
        paths = [Path(os.path.abspath(path)) for path in given]
    except TypeError:
        kind = type(what).__name__
        raise BadCall(
            f"{kind}: give paths, the bytes of a file, or an array (n, 28, 28) uint8"
        ) from None
    if "" in given:  # abspath takes it for the working directory, with all that is in there
        raise BadCall("a path is empty; to send the working directory, give '.'")
    return paths


def _container_in(path: Path) -> str | None:
    """The media type of a container, sent as it is; None for images, which keep their names in a ZIP."""
    with path.open("rb") as file:
        return container_type(file.read(8))


def _is_zip(path: Path) -> bool:
    """Whether a file that is not named like an image is a ZIP; a pipe is not looked into."""
    plain = path.suffix.lower() not in SUFFIXES and path.is_file()
    return plain and _container_in(path) == ZIP_TYPE


def _common_folder(paths: Iterable[Path]) -> Path:
    return Path(os.path.commonpath([path if path.is_dir() else path.parent for path in paths]))


def _zip(files: Iterable[Path], folder: Path) -> IO[bytes]:
    spool = _spooled(b"")
    with ZipFile(spool, "w", ZIP_STORED) as archive:
        for path in files:
            name = os.fsencode(path.relative_to(folder).as_posix()).decode(errors="replace")
            entry = ZipInfo(name)
            entry.file_size = path.stat().st_size
            with path.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, BLOCK)
    return spool


def _form(files: Iterable[Path], folder: Path) -> Upload:
    """A form of ZIPs, since none may be inside another, or have more than ENTRIES files."""
    boundary, spool = uuid.uuid4().hex, _spooled(b"")
    for name, archive in _archives(files, folder):
        with archive:
            archive.seek(0)
            plain = re.sub(r'[\r\n"\\]', "_", name)  # it is for messages only
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{plain}"'
            spool.write(f"{head}\r\n\r\n".encode(errors="replace"))
            shutil.copyfileobj(archive, spool, BLOCK)
            spool.write(b"\r\n")
    spool.write(f"--{boundary}--\r\n".encode())
    return Upload(spool, f"multipart/form-data; boundary={boundary}")


def _archives(files: Iterable[Path], folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The ZIPs among the files, and what lies between them as further ZIPs, by name."""
    for packed, some in groupby(files, _is_zip):
        if packed:
            yield from ((path.name, path.open("rb")) for path in some)
        else:
            while part := list(islice(some, ENTRIES)):
                yield "files", _zip(part, folder)


def _npy(array: Array) -> IO[bytes]:
    import numpy as np

    pixels = np.ascontiguousarray(array)
    if pixels.dtype != np.uint8:
        raise BadCall(f"an array of {pixels.dtype}: give (n, 28, 28) uint8")
    spool = _spooled(b"")
    np.save(spool, pixels, allow_pickle=False)
    return spool


class _Spool(tempfile.SpooledTemporaryFile[bytes]):
    """Of what could not be written, its end says nothing: that was said when it was written."""

    def __del__(self) -> None:
        with suppress(OSError):
            self.close()


def _spooled(content: bytes) -> IO[bytes]:
    spool = _Spool(max_size=IN_MEMORY)
    spool.write(content)
    return spool
