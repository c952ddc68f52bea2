"""A form (RFC 7578) that is whole in the spool: where its files lie, and what its fields say.

Starlette's parser holds a temporary file open for every file of a form, and takes a form that was cut
off for a complete one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from python_multipart.multipart import parse_options_header

from ..problems import Problem
from .spool import forget

MOST_FIELDS = 100
MOST_TEXT = 1 << 16
MOST_HEADER = 1 << 13
"""Most bytes of a field; and of the headers of a part, or of what precedes the first part."""

_EXTENDED = re.compile(rb";\s*filename\*\s*=\s*\"?utf-8'[\w-]*'([^\s;\"]*)", re.IGNORECASE)
"""An extended file name (RFC 8187)."""
_QUOTED = re.compile(rb'(?<!\*=)"(?:\\.|[^"\\])*"')
"""The quoted value of any other parameter, whose text is not to be taken for a parameter."""

_LINE = b"\r\n"
_WINDOW = 1 << 18


@dataclass(frozen=True)
class Form:
    """Files (name, bytes) and fields (name, value) in order."""

    files: list[tuple[str, memoryview]] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)


def read_form(view: memoryview, content_type: str, most_files: int) -> Form:
    """The form in `view`. Raises `malformed-multipart` and `too-many-files`."""
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary:
        raise _malformed("The Content-Type names no boundary; let your HTTP library write it.")
    form = Form()
    for count, (header, place) in enumerate(_parts(view, b"--" + boundary), 1):
        name, filename = _names(header)
        if filename is None:
            form.fields.append((name, _text(view[place])))
        elif filename or len(view[place]):  # a browser sends "" where no file was chosen
            form.files.append((filename, view[place]))
        if len(form.fields) > MOST_FIELDS:
            raise _malformed(f"A form has at most {MOST_FIELDS} fields.")
        if len(form.files) > most_files or count > most_files + MOST_FIELDS:
            detail = f"A form holds at most {most_files} files; send more as one ZIP."
            raise Problem("too-many-files", detail, limit=most_files)
    return form


def _parts(view: memoryview, delimiter: bytes) -> Iterator[tuple[bytes, slice]]:
    """The headers of each part, and where its content lies."""
    buffer: Any = view.obj  # bytes or a map of a file, which can search where a view cannot
    # A preamble is to be ignored (RFC 2046, 5.1.1), but not one that might be a part.
    preamble, found, _ = (_LINE + bytes(view[:MOST_HEADER])).partition(delimiter)
    if not found or not preamble.endswith(_LINE) or b"content-disposition" in preamble.lower():
        raise _malformed(
            f"No boundary precedes the first part within the form's first {MOST_HEADER} bytes."
        )
    at = len(preamble) - len(_LINE) + len(delimiter)
    while bytes(view[at : at + 2]) == _LINE:
        start = buffer.find(2 * _LINE, at, at + MOST_HEADER) + 4
        end = _find(buffer, _LINE + delimiter, start)
        if start < 4 or end < 0:
            raise _malformed("The form is cut off, or a part's headers are too long.")
        yield bytes(view[at + 2 : start - 4]), slice(start, end)
        at = end + 2 + len(delimiter)
    if bytes(view[at : at + 2]) != b"--" or bytes(view[at + 2 : at + MOST_HEADER]).strip():
        raise _malformed("The form is cut off, or has its boundary inside a file.")


def _find(buffer: Any, what: bytes, start: int) -> int:
    """Like `find`, but lets other threads run in between: 1 GiB of line breaks takes many seconds."""
    for at in range(start, len(buffer), _WINDOW):
        found: int = buffer.find(what, at, at + _WINDOW + len(what) - 1)
        if found >= 0:
            return found
        forget(buffer)
    return -1


def _names(header: bytes) -> tuple[str, str | None]:
    """The name of a part, and the name of its file if it is one."""
    for line in header.split(_LINE):
        key, _, value = line.partition(b":")
        if key.strip().lower() == b"content-disposition":
            options = parse_options_header(value)[1]
            if name := options.get(b"name"):
                filename = _filename(options.get(b"filename"), value)
                return _decode(name), None if filename is None else _decode(filename)
    raise _malformed("A part has no name.")


def _filename(plain: bytes | None, value: bytes) -> bytes | None:
    """The plain name of a file, the only one that RFC 7578 permits; else the extended one. Some clients
    (.NET's) send both, and encode the plain one for mail if they differ; others send no plain one."""
    if plain is not None and not plain.startswith(b"=?"):
        return plain
    extended = _EXTENDED.search(_QUOTED.sub(b'""', value))
    return unquote_to_bytes(extended[1]) if extended else plain


def _text(content: memoryview) -> str:
    if len(content) > MOST_TEXT:
        raise _malformed(f"A field has over {MOST_TEXT} bytes; a file needs a file name.")
    return _decode(bytes(content))


def _decode(data: bytes) -> str:
    return data.decode(errors="replace")


def _malformed(detail: str) -> Problem:
    return Problem("malformed-multipart", detail)
