"""Images that the program draws, in every form in which a client may send them."""

import base64
import gzip
import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from model.drawn import STROKES, draw, glyph
from model.files.images import Grey, png

LABELS = "".join(STROKES)


def drawings(count: int, rng: np.random.Generator) -> list[Grey]:
    """Dark ink on light paper, 64x64, with the labels in turn."""
    return [draw(LABELS[number % len(LABELS)], rng) for number in range(count)]


def glyphs(count: int, rng: np.random.Generator) -> Grey:
    """(count, 28, 28), bright on black."""
    return np.stack([glyph(LABELS[number % len(LABELS)], rng) for number in range(count)])


def page(lines: Sequence[str], rng: np.random.Generator, side: int = 80) -> Grey:
    """Lines of drawn characters on paper, with words separated by spaces."""
    width = max(map(len, lines))
    paper = np.full(((2 * len(lines) + 1) * side, (width + 2) * side), 235.0)
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            if character != " ":
                top, left = (2 * row + 1) * side, (column + 1) * side
                paper[top : top + side, left : left + side] -= 0.8 * glyph(character, rng, side)
    return np.clip(paper + rng.normal(0, 2, paper.shape), 0, 255).astype(np.uint8)


def ruled(rows: Sequence[str], rng: np.random.Generator, side: int = 100) -> Grey:
    """A grid of ruled cells with a drawn character in each."""
    paper = np.full((side * (len(rows) + 1), side * (len(rows[0]) + 1)), 235, np.uint8)
    for row, line in enumerate(rows):
        for column, character in enumerate(line):
            top, left = side // 2 + row * side, side // 2 + column * side
            paper[top : top + side + 3, left : left + side + 3] = 40
            paper[top + 3 : top + side, left + 3 : left + side] = 235
            paper[top + 20 : top + 84, left + 20 : left + 84] -= glyph(character, rng, 64) // 10 * 8
    return paper


def pngs(count: int, rng: np.random.Generator) -> list[bytes]:
    """Drawings as PNG files."""
    return [png(each) for each in drawings(count, rng)]


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def npy_of(images: Grey) -> bytes:
    """A .npy file."""
    out = io.BytesIO()
    np.save(out, images)
    return out.getvalue()


def idx_of(images: Grey, *, compressed: bool = True) -> bytes:
    """An IDX file, .gz or not."""
    head = struct.pack(">BBBB3I", 0, 0, 8, 3, *images.shape)
    content = head + images.tobytes()
    return gzip.compress(content, 1) if compressed else content


def tiff_of(images: Sequence[Grey]) -> bytes:
    """A TIFF with a page for each image."""
    out = io.BytesIO()
    first, *rest = [Image.fromarray(each) for each in images]
    first.save(out, "TIFF", save_all=True, append_images=rest)
    return out.getvalue()


def json_of(files: Mapping[str, bytes], **options: object) -> bytes:
    """A JSON body."""
    images = [{"image": _base64(data), "custom_id": name} for name, data in files.items()]
    return json.dumps({"images": images, **options}).encode()


def ndjson_of(files: Mapping[str, bytes]) -> bytes:
    """An NDJSON body."""
    return b"".join(
        json.dumps({"image": _base64(data), "custom_id": name}).encode() + b"\n"
        for name, data in files.items()
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
