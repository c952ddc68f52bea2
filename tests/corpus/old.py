"""Bad uploads, and the problem that each one gets."""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from model.strokes import draw

from makers import (
    Entry,
    animation,
    bomb,
    deflated_array,
    end_of_zip,
    end_of_zip64,
    file_part,
    form,
    idx,
    jpeg_of_many_scans,
    npy,
    overlapping_zip,
    part,
    png_chunk,
    png_of,
    raw_zip,
    saved,
    tiff_loop,
    tiff_of_shared_strips,
)
from samples import glyphs, idx_of, json_of, npy_of, pngs, tiff_of, zip_of

Body = bytes | Callable[[], bytes]

RNG = np.random.default_rng(7)
DRAWING = draw("R", RNG)
PNG = pngs(1, RNG)[0]
IMAGES = glyphs(3, RNG)
GOOD = {f"good-{number}.png": data for number, data in enumerate(pngs(3, RNG))}
U1 = "'|u1'"

ZIP, NPY, IDX, GZ = "application/zip", "application/x-npy", "application/x-idx", "application/gzip"
JSON, NDJSON = "application/json", "application/x-ndjson"
FORM = "multipart/form-data; boundary=b"

PICKLE = npy("'|O'", "(1,)", b"\x80\4cos\nabort\n.")
FILE = file_part("a.png", PNG)
DEEP = b'{"images": [{}], "metadata": ' + b"[" * 500 + b"]" * 500 + b"}"
LONG = b'{"images": [{}], "top_k": ' + b"9" * 5000 + b"}"


def metadata(value: bytes) -> bytes:
    """A field of a form."""
    return part('name="metadata"', value)


@dataclass(frozen=True)
class Upload:
    """A body, and the type of the problem that it gets."""

    kind: str
    body: Body
    problem: str

    def bytes(self) -> bytes:
        """The body, made now if it is large."""
        return self.body() if callable(self.body) else self.body


BODIES: dict[str, dict[str, tuple[Body, str]]] = {
    "": {"no type": (PNG, "unsupported-media-type")},
    "text/xml": {"XML": (b"<a/>", "unsupported-media-type")},
    "text/" + "x" * 8000: {"a long type": (PNG, "unsupported-media-type")},
    "image/png": {
        "nothing": (b"", "empty-body"),
        "text": (b"I am a scan, believe me.", "unknown-format"),
        "a page": (b"<!doctype html><html>", "unknown-format"),
        "a program": (b"\x7fELF" + bytes(99), "unknown-format"),
        "a GIF": (animation([DRAWING, DRAWING], "GIF"), "unknown-format"),
        "a tar": (b"a.png" + bytes(507) + PNG, "unknown-format"),
        "17 MB": (lambda: PNG + bytes(17 << 20), "file-too-large"),
    },
    ZIP: {
        "no ZIP": (b"", "empty-body"),
        "a 7z": (b"7z\xbc\xaf\x27\x1c" + bytes(99), "unknown-format"),
        "500 MB of zeros": (lambda: raw_zip(bomb(500)), "file-too-large"),
        "510 MB of zeros": (lambda: raw_zip(*(bomb(15, b"%d" % n) for n in range(34))), "archive-bomb"),
        "50 MB said to be 10 bytes": (lambda: raw_zip(bomb(50, unpacked=10)), "archive-bomb"),
        "30,000 files in one": (lambda: overlapping_zip(30_000), "archive-bomb"),
        "2^64 entries": (b"PK\3\4" + end_of_zip64((1 << 64) - 1, 46, 0, 4), "too-many-entries"),
        "zip64 to nowhere": (b"PK\3\4" + end_of_zip64(1, 46, 0, 4, (1 << 64) - 1), "archive-invalid"),
        "encrypted": (raw_zip(Entry(b"a", PNG, flags=1)), "archive-unsupported"),
        "bzip2": (raw_zip(Entry(b"a", PNG, method=12)), "archive-unsupported"),
        "zstd": (raw_zip(Entry(b"a", PNG, method=93)), "archive-unsupported"),
        "a link": (raw_zip(Entry(b"a", b"/etc/passwd", mode=0o120777)), "archive-unsupported"),
        "a ZIP in a ZIP": (zip_of({"a.zip": zip_of(GOOD)}), "nested-archive"),
        "cut off": (zip_of(GOOD)[:-100], "archive-invalid"),
        "no end": (b"PK\3\4" + bytes(999), "archive-invalid"),
        "a wrong checksum": (raw_zip(Entry(b"a", PNG, crc=1)), "archive-invalid"),
        "empty": (end_of_zip(0, 0, 0), "no-images"),
        "folders only": (zip_of({"a/": b"", "a/b/": b""}), "no-images"),
        "noise only": (zip_of({"__MACOSX/._a": b"x", "a/.DS_Store": b"x"}), "no-images"),
        "a way out": (zip_of({"../../etc/passwd": PNG}), "unsafe-name"),
        "a way out by backslash": (raw_zip(Entry(b"a\\..\\b", PNG)), "unsafe-name"),
        "an absolute name": (raw_zip(Entry(b"/etc/passwd", PNG)), "unsafe-name"),
        "a drive": (raw_zip(Entry(b"C:\\a.png", PNG)), "unsafe-name"),
        "a pickle among images": (
            zip_of(GOOD | {"a": npy("'|O'", "(1,)", b"\x80\4.")}),
            "pickled-array",
        ),
        "a loop among images": (zip_of(GOOD | {"a": tiff_loop()}), "tiff-invalid"),
    },
    NPY: {
        "a pickle": (PICKLE, "pickled-array"),
        "floats": (npy("'<f4'", "(1, 28, 28)", bytes(3136)), "array-invalid"),
        "Fortran order": (npy(U1, "(1, 28, 28)", bytes(784), fortran=True), "array-invalid"),
        "27 wide": (npy(U1, "(1, 28, 27)", bytes(756)), "array-invalid"),
        "10^9 x 10^9": (npy(U1, "(1000000000, 1000000000)", b""), "array-invalid"),
        "10^9 images": (npy(U1, "(1000000000, 28, 28)", bytes(784)), "array-invalid"),
        "10^999 images": (npy(U1, f"({10**999}, 28, 28)", bytes(784)), "array-invalid"),
        "infinitely many": (npy(U1, "(1e999, 28, 28)", bytes(784)), "array-invalid"),
        "no image": (npy(U1, "(0, 28, 28)", b""), "no-images"),
        "a .npy cut off": (npy_of(IMAGES)[:-1], "array-invalid"),
        "six bytes": (b"\x93NUMPY", "array-invalid"),
        "a deep header": (npy("(" * 3000, "(1, 28, 28)", b""), "array-invalid"),
    },
    IDX: {
        "fewer than promised": (idx(4, 28, 28, pixels=bytes(3 * 784)), "array-invalid"),
        "more than promised": (idx(2, 28, 28, pixels=bytes(3 * 784)), "array-invalid"),
        "labels": (idx(10, pixels=bytes(10)), "array-invalid"),
        "floats in an IDX": (b"\0\0\x0d\3" + bytes(99), "unknown-format"),
        "a .gz cut off": (idx_of(IMAGES)[:-9], "archive-invalid"),
    },
    GZ: {
        "damaged": (b"\x1f\x8b" + b"\xff" * 99, "archive-invalid"),
        "text in a .gz": (gzip.compress(b"text"), "unsupported-media-type"),
        "784 MB of zeros": (lambda: deflated_array(1_000_000, 748), "archive-bomb"),
    },
    "image/tiff": {
        "a loop": (tiff_loop(), "tiff-invalid"),
        "no page": (b"II*\0" + bytes(4), "tiff-invalid"),
        "a TIFF cut off": (tiff_of([DRAWING] * 3)[:5000], "tiff-invalid"),
        "100 pages in one strip": (lambda: tiff_of_shared_strips(100, 100_000), "tiff-invalid"),
        "10,001 pages": (lambda: tiff_of_shared_strips(10_001, 9), "too-many-images"),
    },
    JSON: {
        "no JSON": (b"", "empty-body"),
        "broken": (b'{"images": [', "malformed-json"),
        "a list": (b"[]", "malformed-json"),
        "NaN": (b'{"images": [NaN]}', "malformed-json"),
        "deep": (b"[" * 100_000, "malformed-json"),
        "deep in an option": (
            b'{"images": [{}], "metadata": ' + b"[" * 500 + b"]" * 500 + b"}",
            "malformed-json",
        ),
        "an integer of 5,000 digits": (
            b'{"images": [{}], "top_k": ' + b"9" * 5000 + b"}",
            "malformed-json",
        ),
        "5 million objects": (lambda: b'{"images":[' + b"{}," * 5_000_000 + b"1]}", "malformed-json"),
        "no list": (b'{"images": 1}', "malformed-json"),
        "an empty list": (b'{"images": []}', "no-images"),
        "bad base64": (b'{"images": [{"image": "%%%"}]}', "malformed-json"),
        "an unknown member of an image": (b'{"images": [{"image": "", "url": "x"}]}', "malformed-json"),
        "an unknown member": (json_of(GOOD, tenant="root"), "invalid-parameter"),
        "a lone surrogate": (b'{"images": [{"image": "", "custom_id": "\\ud800"}]}', "malformed-json"),
        "no UTF-8": (b'{"images": [{"image": "", "custom_id": "\xff"}]}', "malformed-json"),
        "an unsafe id": (json_of({"../a": PNG}), "unsafe-name"),
        "a number for an option": (json_of(GOOD, top_k=99), "invalid-parameter"),
        "an object for an option": (json_of(GOOD, model={"a": 1}), "unknown-model"),
        "65 MB": (lambda: b" " * (65 << 20), "body-too-large"),
        "a 17 MB image": (lambda: json_of({"a": bytes(17 << 20)}), "body-too-large"),
    },
    NDJSON: {
        "a bad line": (b'{"image": ""}\n{"image": ""}\n{oops\n', "malformed-json"),
        "blank lines": (b"\n\n\n", "no-images"),
    },
    "multipart/form-data": {"no boundary": (form(FILE), "malformed-multipart")},
    FORM + "b" * 300: {"a long boundary": (form(FILE), "malformed-multipart")},
    FORM: {
        "no form": (b"", "empty-body"),
        "not a form": (PNG, "malformed-multipart"),
        "a form cut off": (FILE + FILE[:-50], "malformed-multipart"),
        "a form without its end": (FILE + FILE, "malformed-multipart"),
        "a part without a name": (form(part("", PNG), FILE), "malformed-multipart"),
        "a header of 64 KB": (form(part('name="a"', b"", f"X: {'x' * 65_536}")), "malformed-multipart"),
        "no file": (form(metadata(b"{}")), "no-images"),
        "a file that was not chosen": (form(file_part("")), "no-images"),
        "a text of 30 MB": (lambda: form(FILE, metadata(bytes(30 << 20))), "malformed-multipart"),
        "101 fields": (form(FILE, *[metadata(b"{}")] * 101), "malformed-multipart"),
        "1,001 files": (form(*[FILE] * 1001), "too-many-files"),
        "an unsafe file name": (form(file_part("../a.png", PNG)), "unsafe-name"),
        "an unknown field": (form(FILE, part('name="tenant"', b"7")), "invalid-parameter"),
        "metadata that is no JSON": (form(FILE, metadata(b"{")), "invalid-parameter"),
        "metadata that is deep": (form(FILE, metadata(b"[" * 60_000)), "invalid-parameter"),
        "metadata twice": (form(FILE, metadata(b"{}"), metadata(b'{"a": "b"}')), "invalid-parameter"),
    },
}


BAD_IMAGES = {
    "empty.png": (b"", "undecodable-image"),
    "text.png": (b"I am a scan, believe me.", "undecodable-image"),
    "cut.png": (PNG[:-20], "undecodable-image"),
    "cut.jpg": (saved(DRAWING, "JPEG")[:-200], "undecodable-image"),
    "flipped.png": (PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:], "undecodable-image"),
    "moving.gif": (animation([DRAWING, DRAWING.T], "GIF"), "undecodable-image"),
    "lying.png": (png_of(9, 9, png_chunk(b"IDAT", b"", 0xFFFFFFFF)), "undecodable-image"),
    "endless.png": (png_of(9, 9, pixels=bytes(20 << 20)), "undecodable-image"),
    "painted-over.jpg": (jpeg_of_many_scans(DRAWING, 1000), "undecodable-image"),
    "huge.png": (png_of(65_535, 65_535), "image-too-large"),
    "tall.png": (png_of(1, 4_000_000), "image-too-large"),
}
"""Files that fail alone among good ones, each with the type of its error."""

PARAMETERS = {
    "top_k=0": "invalid-parameter",
    "top_k=11": "invalid-parameter",
    "top_k=three": "invalid-parameter",
    "top_k=1.5": "invalid-parameter",
    "top_k=": "invalid-parameter",
    "top_k=" + "9" * 5000: "invalid-parameter",
    "top_k=1&top_k=2": "invalid-parameter",
    "charset=%C3%A9": "invalid-charset",
    "charset=": "invalid-charset",
    "charset=%00": "invalid-charset",
    "charset=" + "%F0%9F%98%80" * 100: "invalid-charset",
    "charset=" + "0" * 101: "invalid-parameter",
    "callback_url=": "webhook-url-forbidden",
    "callback_url=http://example.org/": "webhook-url-forbidden",
    "callback_url=https://127.0.0.1/": "webhook-url-forbidden",
    "callback_url=https://redis/": "webhook-url-forbidden",
    "callback_url=https://example.org:6379/": "webhook-url-forbidden",
    "callback_url=https://" + "a" * 20_000: "webhook-url-forbidden",
    "callback_url=https://example.org/": "callback-secret-needed",
    "model=nope": "unknown-model",
    "model=../balanced": "unknown-model",
    "model=" + "x" * 20_000: "unknown-model",
    "normalize=maybe": "invalid-parameter",
    "priority=urgent": "invalid-parameter",
    "keep_images=perhaps": "invalid-parameter",
    "metadata={": "invalid-parameter",
    "metadata=[1]": "invalid-parameter",
    'metadata={"a":1}': "invalid-parameter",
    'metadata={"a":"\\ud800"}': "invalid-parameter",
    "metadata=" + "[" * 20_000: "invalid-parameter",
    "metadata=" + json.dumps({"x" * 65: "a"}): "invalid-parameter",
    "metadata=" + json.dumps({"a": "x" * 513}): "invalid-parameter",
    "metadata=" + json.dumps({str(number): "a" for number in range(17)}): "invalid-parameter",
    "expires_in=9": "invalid-parameter",
    "expires_in=-1": "invalid-parameter",
    "expires_in=604801": "invalid-parameter",
    "expires_in=" + "9" * 400: "invalid-parameter",
    "tenant=root": "invalid-parameter",
    "x" * 20_000 + "=1": "invalid-parameter",
    "%00=%ff": "invalid-parameter",
}
"""Queries of a submission that is good otherwise."""


def uploads() -> Iterator[tuple[str, Upload]]:
    """Every bad upload by its name."""
    for kind, bodies in BODIES.items():
        for name, (body, problem) in bodies.items():
            yield name, Upload(kind, body, problem)
