"""What a person put into a ZIP, and what a desktop did."""

import lzma
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import PurePosixPath

DAMAGED = (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""The errors that unpackers raise; RuntimeError for a password, or an unknown compression."""


def is_meant(member: zipfile.ZipInfo) -> bool:
    """Whether a person put this file there: it is no folder, not hidden, and not a desktop's own."""
    parts = PurePosixPath(member.filename).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return not (member.is_dir() or hidden)


def has_suffix(member: zipfile.ZipInfo, suffixes: Iterable[str]) -> bool:
    """Whether its name ends in one of them, in either case."""
    return PurePosixPath(member.filename).suffix.lower() in suffixes
