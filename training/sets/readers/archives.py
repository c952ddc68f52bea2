"""A ZIP of image files, named as in a folder of them; or of a table, as Kaggle packs it."""

import zipfile
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from posixpath import commonpath

from model.folders import SUFFIXES

from ..data import BadData, Set
from .arrays import Part
from .meaning import Meaning, class_of
from .members import DAMAGED, has_suffix, is_meant
from .pictures import Picture, read_pictures
from .table import read_table

MOST_BYTES = 16 << 20
"""The most bytes of an image file; a character is a few kilobytes."""

ENCRYPTED = 1
"""The bit in a member's flags that says that it is encrypted."""


def read_archive(path: Path, meaning: Meaning, part: Part) -> Set:
    """Read the images in a ZIP, one at a time, or else its table. Raises BadData naming the file.

    A folder around everything is disregarded, and so are hidden files and __MACOSX.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if is_meant(member)]
            pictures = find_pictures(path, archive, members, meaning)
            if not pictures:
                return read_table(path, meaning)
            tables = [each.filename for each in members if has_suffix(each, (".csv",))]
            if tables:
                raise BadData(
                    f"{path}: it holds images and {tables[0]}: unpack it and give what is meant"
                )
            return read_pictures(path, pictures, meaning, part)
    except BadData:
        raise
    except DAMAGED as error:
        raise BadData(f"{path}: {error}") from error


def find_pictures(
    path: Path, archive: zipfile.ZipFile, members: Sequence[zipfile.ZipInfo], meaning: Meaning
) -> list[Picture]:
    """The image files among `members`, sorted as those of a folder are."""
    images: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for each in members:
        if has_suffix(each, SUFFIXES) and images.setdefault(PurePosixPath(each.filename), each) != each:
            raise BadData(f"{path}: it holds {each.filename} twice")
    top = wrapping(images, meaning)
    return [
        Picture(place.relative_to(top), f"{path}: {place}", partial(unpack, archive, images[place]))
        for place in sorted(images)
    ]


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """The bytes of a member. Raises BadData."""
    name = f"{archive.filename}: {member.filename}"
    if member.flag_bits & ENCRYPTED:
        raise BadData(f"{name}: it is encrypted: pack it without a password")
    if member.file_size > MOST_BYTES:
        raise BadData(f"{name}: {member.file_size:,} bytes; at most {MOST_BYTES:,} are read")
    try:
        with archive.open(member) as file:
            return file.read(member.file_size + 1)  # the size is a limit, whatever it unpacks to
    except DAMAGED as error:
        raise BadData(f"{name}: {str(error) or 'cut off'}") from error


def wrapping(places: Iterable[PurePosixPath], meaning: Meaning) -> PurePosixPath:
    """The folders around everything, down to the first that is a label: `set` of `set/a_00002.jpg`."""
    folders = [str(place.parent) for place in places]
    top = PurePosixPath()
    for name in PurePosixPath(commonpath(folders) if folders else "").parts:
        if name.isdecimal() or class_of(name, meaning) is not None:
            break
        top /= name
    return top
