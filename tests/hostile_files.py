"""Hostile files, which no library will write, made by hand."""

import io
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[Any]
STORED, DEFLATED = 0, 8
ZEROS = 1 << 20


@dataclass(frozen=True)
class Entry:
    """An entry of a ZIP, which may lie: sizes and checksum are those of `data` unless they are given."""

    name: bytes
    data: bytes = b""
    method: int = STORED
    flags: int = 0
    mode: int = 0
    crc: int | None = None
    packed: int | None = None
    unpacked: int | None = None
    offset: int | None = None
    extra: bytes = b""

    def local(self) -> bytes:
        """Its local header, and the data."""
        head = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, *self._facts(), len(self.name), 0)
        return head + self.name + self.data

    def central(self, offset: int) -> bytes:
        """Its entry in the central directory."""
        place = offset if self.offset is None else self.offset
        sizes = (len(self.name), len(self.extra), 0, 0, 0, self.mode << 16, place)
        head = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, *self._facts(), *sizes)
        return head + self.name + self.extra

    def _facts(self) -> tuple[int, ...]:
        size = len(self.data)
        packed = size if self.packed is None else self.packed
        unpacked = size if self.unpacked is None else self.unpacked
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        return self.flags, self.method, 0, 0, crc, packed, unpacked


def raw_zip(*entries: Entry, count: int | None = None, shift: int = 0, comment: bytes = b"") -> bytes:
    """A ZIP of `entries` that claims `count` of them, with its directory `shift` bytes off."""
    files, directory = bytearray(), bytearray()
    for entry in entries:
        directory += entry.central(len(files))
        files += entry.local()
    return bytes(files + directory) + end_of_zip(
        len(entries) if count is None else count, len(directory), len(files) + shift, comment
    )


def end_of_zip(count: int, size: int, offset: int, comment: bytes = b"") -> bytes:
    """The record at the end of a ZIP."""
    fields = (b"PK\x05\x06", 0, 0, count, count, size, offset, len(comment))
    return struct.pack("<4s4H2IH", *fields) + comment


def end_of_zip64(count: int, size: int, offset: int, place: int, claimed: int | None = None) -> bytes:
    """The records at the end of a ZIP64 that lie at `place`, said to lie at `claimed`."""
    long = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, place if claimed is None else claimed, 1)
    return long + locator + end_of_zip(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


def zip_of_many(count: int, *, zip64: bool = True) -> bytes:
    """A well-formed ZIP of `count` empty files, 88 bytes each, quickly."""
    names = np.empty((count, 6), np.uint8)
    for place in range(6):
        names[:, place] = np.arange(count) // 10 ** (5 - place) % 10 + ord("0")
    local, central = Entry(b"000000").local(), Entry(b"000000").central(0)
    files = np.tile(np.frombuffer(local, np.uint8), (count, 1))
    entries = np.tile(np.frombuffer(central, np.uint8), (count, 1))
    files[:, -6:] = entries[:, -6:] = names
    entries[:, 42:46] = (np.arange(count, dtype="<u4") * len(local)).view(np.uint8).reshape(-1, 4)
    place = (entries.nbytes, files.nbytes)
    end = end_of_zip64(count, *place, sum(place)) if zip64 else end_of_zip(count, *place)
    return files.tobytes() + entries.tobytes() + end


def packed_zeros(megabytes: int) -> bytes:
    """So many MiB of zeros, deflated to about a thousandth of that."""
    deflate = zlib.compressobj(9, wbits=-15)
    block = deflate.compress(bytes(ZEROS)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return block * megabytes + deflate.flush()


def bomb(megabytes: int, name: bytes = b"zeros", **lies: int) -> Entry:
    """An entry that unpacks to so many MiB."""
    packed = packed_zeros(megabytes)
    facts = {"unpacked": megabytes * ZEROS, "crc": 0} | lies
    return Entry(name, packed, DEFLATED, **facts)


def deflated_array(images: int, megabytes: int) -> bytes:
    """A gzipped IDX file of so many black images, in so many MiB of zeros."""
    head = idx(images, 28, 28)
    stored = struct.pack("<BHH", 0, len(head), len(head) ^ 0xFFFF) + head
    return b"\x1f\x8b\x08" + bytes(7) + stored + packed_zeros(megabytes)


def overlapping_zip(entries: int) -> bytes:
    """A ZIP whose entries all share one block of packed bytes (Fifield 2019)."""
    kernel = Entry(b"%05d" % 0, packed_zeros(1), DEFLATED, crc=zlib.crc32(bytes(ZEROS)), unpacked=ZEROS)
    files = kernel.local()
    directory = b"".join(replace(kernel, name=b"%05d" % number).central(0) for number in range(entries))
    return files + directory + end_of_zip(entries, len(directory), len(files))


def npy(descr: str, shape: str, pixels: bytes, *, fortran: bool = False, version: int = 1) -> bytes:
    """A .npy file with this header."""
    text = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes((version, 0)) + size + text + pixels


def idx(*axes: int, pixels: bytes = b"") -> bytes:
    """An IDX file of unsigned bytes with these axes."""
    return struct.pack(f">4B{len(axes)}I", 0, 0, 8, len(axes), *axes) + pixels


def png_chunk(kind: bytes, data: bytes, size: int | None = None) -> bytes:
    """A chunk of a PNG, which may lie about its size."""
    length = len(data) if size is None else size
    return struct.pack(">I", length) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, *chunks: bytes, pixels: bytes = b"", depth: int = 8) -> bytes:
    """A grey PNG with more chunks before its pixels."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    data = png_chunk(b"IDAT", zlib.compress(pixels))
    return b"".join([b"\x89PNG\r\n\x1a\n", head, *chunks, data, png_chunk(b"IEND", b"")])


def part(disposition: str, data: bytes = b"", more: str = "") -> bytes:
    """A part of a form whose boundary is b."""
    head = f"--b\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n"
    return head.encode() + data + b"\r\n"


def file_part(name: str, data: bytes = b"") -> bytes:
    """A file in a form."""
    return part(f'name="files"; filename="{name}"', data)


def form(*parts: bytes) -> bytes:
    """A whole form."""
    return b"".join(parts) + b"--b--\r\n"


def tiff_loop() -> bytes:
    """A TIFF whose second page names the first as the next one."""
    page = struct.pack("<H", 0)
    return b"II*\0" + struct.pack("<I", 8) + page + struct.pack("<I", 14) + page + struct.pack("<I", 8)


def tiff_of_shared_strips(pages: int, size: int) -> bytes:
    """A TIFF whose pages all show the same strip."""
    strip, out = b"\x80" * size, bytearray(b"II*\0")
    out += struct.pack("<I", 8 + size) + strip
    for page in range(1, pages + 1):
        fields = [(256, 28), (257, 28), (258, 8), (262, 1), (273, 8), (278, 28), (279, size)]
        out += struct.pack("<H", len(fields))
        out += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields)
        out += struct.pack("<I", len(out) + 4 if page < pages else 0)
    return bytes(out)


def tiff_of_shared_directories(pages: int) -> bytes:
    """A TIFF whose pages have 65,535 empty fields each, most of them the same ones."""
    places = range(8, 8 + 6 * pages, 6)
    length = 2 + 12 * 65_535
    out = bytearray(places[-1] + length + 4)
    out[:8] = b"II*\0" + struct.pack("<I", places[0])
    for place, following in zip(places, [*places[1:], 0], strict=True):
        struct.pack_into("<H", out, place, 65_535)
        struct.pack_into("<I", out, place + length, following)
    return bytes(out)


def tiff_of_shared_values(pages: int, size: int) -> bytes:
    """A TIFF each of whose pages lists the same `size` / 4 strips, and the length of one."""
    out = bytearray(b"II*\0" + struct.pack("<I", 8 + size) + bytes(size))
    for page in range(1, pages + 1):
        fields = [(256, 1, 28), (257, 1, 28), (273, size // 4, 8), (279, 1, 1)]
        out += struct.pack("<H", len(fields))
        out += b"".join(struct.pack("<HHII", tag, 4, count, value) for tag, count, value in fields)
        out += struct.pack("<I", len(out) + 4 if page < pages else 0)
    return bytes(out)


def tiff_of_notes(notes: int, size: int) -> bytes:
    """A black TIFF with so many notes about it, which all share `size` bytes."""
    fields = [(tag, 4, 1, value) for tag, value in ((256, 28), (257, 28), (258, 8), (262, 1))]
    fields += [(273, 4, 1, 8), (278, 4, 1, 28), (279, 4, 1, 784)]
    fields += [(tag, 1, size, 8) for tag in range(700, 700 + notes)]
    page = struct.pack("<H", len(fields)) + b"".join(struct.pack("<HHII", *each) for each in fields)
    return b"II*\0" + struct.pack("<I", 8 + size) + bytes(size) + page + bytes(4)


def saved(
    pixels: Pixels,
    kind: str,
    mode: str = "",
    **options: object,
) -> bytes:
    """The file that Pillow writes of `pixels`, in a mode of Pillow's."""
    image, out = Image.fromarray(pixels), io.BytesIO()
    (image.convert(mode) if mode else image).save(out, kind, **options)
    return out.getvalue()


def bmp_of_fields(pixels: Pixels, spare: Pixels | int, *, alpha: bool = False) -> bytes:
    """A BMP of 32-bit fields; the fourth byte of each is `spare`, which a later header calls alpha."""
    (height, width), masks = pixels.shape, (0xFF0000, 0xFF00, 0xFF)
    rows = np.dstack([pixels] * 3 + [np.broadcast_to(np.uint8(spare), pixels.shape)])[::-1].tobytes()
    head = struct.pack("<iiHHIIiiII", width, height, 1, 32, 3, len(rows), 0, 0, 0, 0)
    fields = struct.pack("<III", *masks) + (struct.pack("<I", 0xFF000000) + bytes(68) if alpha else b"")
    start = 14 + 4 + len(head) + len(fields)
    size = 124 if alpha else 40
    return struct.pack("<2sIHHII", b"BM", start + len(rows), 0, 0, start, size) + head + fields + rows


def jpeg_of_many_scans(pixels: Pixels, scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    whole = saved(pixels, "JPEG", progressive=True)
    last = whole[whole.rfind(b"\xff\xc4", 0, whole.rfind(b"\xff\xda")) : -2]
    return whole[:-2] + last * scans + whole[-2:]


def turned(data: bytes, orientation: int) -> bytes:
    """A JPEG with an EXIF orientation."""
    exif = Image.Exif()
    exif[274] = orientation
    note = exif.tobytes()
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(note) + 2) + note + data[2:]


def animation(frames: Sequence[Pixels], kind: str) -> bytes:
    """An animated image."""
    first, *rest = (Image.fromarray(each) for each in frames)
    out = io.BytesIO()
    first.save(out, kind, save_all=True, append_images=rest, lossless=True)
    return out.getvalue()
