"""A form (RFC 7578) on its way in: its files go to the spool one behind the other, its fields to memory.

Starlette's reader holds a temporary file open for every file of a form, and takes a form that was cut
off for a whole one.
"""

from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ..problems import Problem
from .spool import Spool

MOST_FIELDS = 100
MOST_TEXT = 1 << 16
"""Bytes that all fields of a form may have together."""


@dataclass(frozen=True)
class FormFile:
    """A file of a form: what it is called, and where in the spool it lies."""

    name: str
    place: slice


@dataclass
class _Part:
    """What is being read. With a file name it is a file, which began at `start` of the spool."""

    start: int
    header: bytes = b""
    value: bytes = b""
    name: str = ""
    filename: str | None = None
    text: bytes = b""


class FormReader:
    """Fed with a body piece by piece. Raises `malformed-multipart` and `too-many-files`."""

    def __init__(self, content_type: str, spool: Spool, most_files: int) -> None:
        self.files: list[FormFile] = []
        self.fields: list[tuple[str, str]] = []
        self._spool, self._most_files = spool, most_files
        self._spooled, self._texts, self._ended = 0, 0, False
        self._part = _Part(0)
        self._parser = self._make_parser(content_type)

    def write(self, data: bytes) -> None:
        """Read on."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed(f"{error}.") from error

    def close(self) -> None:
        """That was all."""
        if not self._ended:
            raise _malformed("The form is cut off.")

    def _make_parser(self, content_type: str) -> MultipartParser:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise _malformed("The Content-Type names no boundary.")
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header,
                    "on_header_value": self._value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_finished,
                    "on_part_data": self._data,
                    "on_part_end": self._part_end,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _malformed(f"{error}.") from error

    def _begin(self) -> None:
        self._part = _Part(self._spooled)

    def _header(self, data: bytes, start: int, end: int) -> None:
        self._part.header += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]

    def _header_end(self) -> None:
        part = self._part
        if part.header.lower() == b"content-disposition":
            options = parse_options_header(part.value)[1]
            part.name = options.get(b"name", b"").decode(errors="replace")
            filename = options.get(b"filename")
            part.filename = None if filename is None else filename.decode(errors="replace")
        part.header = part.value = b""

    def _headers_finished(self) -> None:
        if not self._part.name:
            raise _malformed("A part has no name.")
        if self._part.filename is None and len(self.fields) == MOST_FIELDS:
            raise _malformed(f"A form has at most {MOST_FIELDS} fields.")
        if self._part.filename is not None and len(self.files) == self._most_files:
            raise Problem(
                "too-many-files",
                f"A form takes {self._most_files} files; send more as one ZIP.",
                limit=self._most_files,
            )

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part.filename is not None:
            self._spool.write(data[start:end])
            self._spooled += end - start
            return
        self._texts += end - start
        if self._texts > MOST_TEXT:
            raise _malformed(f"The fields have over {MOST_TEXT} bytes; a file needs a file name.")
        self._part.text += data[start:end]

    def _part_end(self) -> None:
        part = self._part
        if part.filename is None:
            self.fields.append((part.name, part.text.decode(errors="replace")))
        elif part.filename or self._spooled > part.start:  # a browser sends "" where no file was chosen
            self.files.append(FormFile(part.filename, slice(part.start, self._spooled)))

    def _end(self) -> None:
        self._ended = True


def _malformed(detail: str) -> Problem:
    return Problem("malformed-multipart", detail)
