"""Images that cannot be read, which fail alone; and odd ones that can."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model.drawn import draw

from .asking import Body, message, outcome, results, submit, talk, uploaded
from .cases import Ask, Table, cases
from .stage import GOOD, Stage
from hostile_files import (
    Pixels,
    animation,
    file_part,
    form,
    jpeg_of_many_scans,
    packed_zeros,
    png_chunk,
    png_of,
    saved,
    tiff_loop,
    tiff_of_notes,
    tiff_of_shared_directories,
    tiff_of_shared_strips,
    tiff_of_shared_values,
    turned,
)
from samples import tiff_of, zip_of

RNG = np.random.default_rng(7)
DRAWING = draw("R", RNG)
PNG, JPEG = GOOD["good-0.png"], saved(DRAWING, "JPEG")
COLOUR = np.repeat(DRAWING[:, :, None], 3, axis=2)
BAD, LARGE, FINE = "422 undecodable-image", "422 image-too-large", "200"


def alone(body: Body, name: str = "odd") -> Ask:
    """Send an image alone, and among good ones: these must be read, and it must fare the same."""

    def ask(stage: Stage) -> str:
        data = body() if callable(body) else body
        path, fields = "/v1/predictions?model=digits-nano", {"Content-Type": FORM}
        single = form(file_part(name, data))
        said = outcome(talk(stage.url("plain"), message("POST", path, fields, single)))
        found = results(stage, submit(stage, "application/zip", zip_of(GOOD | {name: data})))
        assert [each["status"] for each in found[:3]] == ["succeeded"] * 3
        assert [fate(each) for each in found[3:]] == [said.removeprefix("422 ").replace("200", "read")]
        return said

    return ask


def fate(item: Mapping[str, Any]) -> str:
    """What became of an image: `read`, or the type of its failure."""
    if item["status"] == "succeeded":
        return "read"
    assert len(item["error"]["detail"]) > 10
    return str(item["error"]["type"])


def together(files: Sequence[bytes]) -> Ask:
    """Send many images of a kind in one job; the different things that became of them."""

    def ask(stage: Stage) -> str:
        named = {f"{number}.png": data for number, data in enumerate(files)}
        found = results(stage, submit(stage, "application/zip", zip_of(named), "?model=digits-nano"))
        assert len(found) == len(files)
        return ", ".join(sorted({fate(each) for each in found}))

    return ask


def served_back(data: bytes) -> Ask:
    """The Content-Type with which an upload is served, in case somebody is lured into opening it."""

    def ask(stage: Stage) -> str:
        job = submit(stage, "application/zip", zip_of({"a.png": data}), "?keep_images=true")
        path = f"/v1/jobs/{job['id']}/items/0/image"
        answer = talk(stage.url("plain"), message("GET", path, {}))
        assert answer.body == data
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "sandbox"} <= set(policy)
        return answer.headers["content-type"]

    return ask


def of_pillow(kind: str, mode: str = "", **options: object) -> Ask:
    """Send a drawing that Pillow wrote."""
    return alone(saved(DRAWING, kind, mode, **options))


def tagged(data: bytes, note: bytes) -> bytes:
    """A JPEG with an APP1 segment."""
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(note) + 2) + note + data[2:]


def frame_as(marker: int, data: bytes = JPEG, precision: int = 8) -> bytes:
    """A JPEG whose frame header claims to be of another kind."""
    at = data.index(b"\xff\xc0")
    return (
        data[:at] + bytes((0xFF, marker)) + data[at + 2 : at + 4] + bytes((precision,)) + data[at + 5 :]
    )


def flipped(data: bytes, count: int) -> list[bytes]:
    """`count` copies of `data`, each with one bit flipped at another place."""
    found = []
    for at in np.linspace(8, len(data) - 1, count).astype(int):
        broken = bytearray(data)
        broken[at] ^= 1 << (at % 8)
        found.append(bytes(broken))
    return found


def of_pixels(pixels: Pixels, mode: str = "") -> Ask:
    """Send a PNG of these pixels."""
    return alone(saved(pixels, "PNG", mode))


def blank(side: int) -> bytes:
    """A square PNG of 1 bit per pixel that compresses to next to nothing."""
    return png_of(side, side, pixels=bytes((side // 8 + 1) * side), depth=1)


def coloured(kind: int) -> bytes:
    """A PNG that claims this colour type."""
    whole = png_of(9, 9, pixels=bytes(90))
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, kind, 0, 0, 0))
    return whole[:8] + head + whole[8 + len(head) :]


def note(kind: bytes) -> bytes:
    """A PNG with a compressed text of 500 MB."""
    return png_of(9, 9, png_chunk(kind, b"a\0\0\x78\xda" + packed_zeros(500)), pixels=bytes(90))


FORM = "multipart/form-data; boundary=b"
PHP = b"<?php system($_GET['a']); ?><script>alert(1)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
MAGICS = {
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file\n",
    "PDF": b"%PDF-1.7\n" + bytes(99),
    "PSD": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 9, 9, 8, 3) + bytes(99),
    "FITS": b"SIMPLE  =                    T".ljust(2880) + bytes(99),
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(99),
    "ICNS": b"icns\0\0\1\0ic07" + bytes(99),
    "ICO": b"\0\0\1\0\1\0\x10\x10" + bytes(99),
    "FLI": b"\0\0\0\0\x11\xaf" + bytes(130),
    "DDS": b"DDS |\0\0\0" + bytes(130),
    "WMF": b"\xd7\xcd\xc6\x9a" + bytes(99),
    "SGI": b"\x01\xda\x01\x01" + bytes(510),
    "PCX": b"\x0a\5\1\x08" + bytes(130),
    "TGA": b"\0\0\2" + bytes(99),
    "XPM": b"/* XPM */\nstatic char *a[] = {",
    "PGM": b"P5 65535 65535 255\n",
    "AVIF": b"\0\0\0\x1cftypavif" + bytes(99),
    "HEIC": b"\0\0\0\x18ftypheic" + bytes(99),
    "JPEG XL": b"\xff\x0a" + bytes(99),
    "QOI": b"qoif\xff\xff\xff\xff\xff\xff\xff\xff\4\0",
    "SVG": SVG,
    "EXR": b"v/1\1" + bytes(99),
    "HDR": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 99999 +X 99999\n",
}
STRANGERS = {
    "McIdas": b"\0\0\0\0\0\0\0\4" + b"\xff" * 248,
    "a FITS of gigabytes": b"SIMPLE  =                    T".ljust(80)
    + b"NAXIS1  =           2147483647".ljust(80)
    + b"END".ljust(2720),
    "GD of 4 GB": b"\xff\xfe\xff\xff\xff\xff\1" + bytes(1030),
    "a PSD of layers beyond": b"8BPS\0\1"
    + bytes(6)
    + b"\0\x38\xff\xff\xff\xff\xff\xff\xff\xff\0\x08\0\3",
    "an EPS in a loop": b"%!PS-Adobe-3.0 EPSF-3.0\n" + b"%%BoundingBox: (atend)\r" * 500,
    "JPEG 2000 of 2^32": b"\xff\x4f\xff\x51\0\x29\0\0" + b"\xff" * 40,
    "a GIF of a bomb": b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x08" + bytes(99),
    "a container of videos": b"\0\0\0\x20ftypisom" + bytes(99),
}
BREAKERS = {
    "a BMP of few bytes": b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 9, -9, 1, 24, 0) + bytes(99),
    "a BMP of lengths": b"BM"
    + bytes(8)
    + struct.pack("<IIiiHHI", 54, 40, 99, 99, 1, 8, 1)
    + b"\xff" * 99,
    "a BMP without a palette": b"BM"
    + bytes(8)
    + struct.pack("<IIiiHHI", 54, 40, 9, 9, 1, 8, 0)
    + bytes(24),
    "a WebP of no frame": b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0\x10\0\0\0" + bytes(6),
    "a WebP of codes without end": b"RIFF\x40\0\0\0WEBPVP8L\x34\0\0\0\x2f\x09\0\x02\0" + b"\xff" * 48,
    "a PNG of an unknown colour": coloured(7),
    "a PNG without a palette": coloured(3),
    "a PNG of 3 bits": png_of(9, 9, pixels=bytes(90), depth=3),
    "a PNG of two heads": png_of(9, 9, png_chunk(b"IHDR", bytes(13)), pixels=bytes(90)),
    "a PNG of no data": b"\x89PNG\r\n\x1a\n"
    + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0)),
    "a PNG of a lying chunk": png_of(9, 9, png_chunk(b"IDAT", b"", 0xFFFFFFFF)),
    "a PNG of too many pixels": png_of(9, 9, pixels=bytes(20 << 20)),
    "a PNG of a filter that is none": png_of(9, 9, pixels=(b"\x09" + bytes(9)) * 9),
    "a JPEG of no tables": b"\xff\xd8" + JPEG[JPEG.index(b"\xff\xc0") :],
    "a JPEG of no pixels": JPEG[: JPEG.index(b"\xff\xda")],
    "a JPEG of a frame of none": JPEG.replace(JPEG[JPEG.index(b"\xff\xc0") + 5 :][:4], bytes(4), 1),
    "a TIFF of no strips": tiff_of([DRAWING])[:8] + b"\0\0\0\0\0\0",
}
KINDS = {
    "16 bits": of_pixels(DRAWING.astype(np.uint16) * 257),
    "1 bit": of_pixels(DRAWING, "1"),
    "a palette": of_pixels(DRAWING, "P"),
    "a palette with a clear colour": of_pillow("PNG", "P", transparency=0),
    "grey and clear": of_pixels(DRAWING, "LA"),
    "RGBA": of_pixels(DRAWING, "RGBA"),
    "CMYK": of_pillow("JPEG", "CMYK"),
    "YCbCr": of_pillow("JPEG", "YCbCr"),
    "a TIFF of 16 bits": alone(saved(DRAWING.astype(np.uint16) * 257, "TIFF")),
    "a TIFF of floats": alone(saved(DRAWING.astype(np.float32), "TIFF")),
    "a TIFF of CMYK": of_pillow("TIFF", "CMYK"),
    "a TIFF of NaN": alone(saved(np.full((9, 9), np.nan, np.float32), "TIFF")),
    "a BMP": of_pillow("BMP", "RGB"),
    "a WebP": of_pillow("WEBP"),
}
EXIF = b"Exif\0\0"

TABLE: Table = {
    "what is no image": {
        "nothing": (alone(b""), BAD),
        "text": (alone(b"I am a scan, believe me."), BAD),
        "a page": (alone(b"<!doctype html><html>"), BAD),
        "a program": (alone(b"\x7fELF" + bytes(99)), BAD),
        "zeros": (alone(bytes(5000)), BAD),
        "text on its own": (uploaded("image/png", b"I am a scan, believe me."), "422 unknown-format"),
        "a program on its own": (uploaded("image/png", b"\x7fELF" + bytes(99)), "422 unknown-format"),
        "17 MB": (uploaded("image/png", lambda: PNG + bytes(17 << 20)), "413 file-too-large"),
        "many for one": (
            uploaded("application/zip", zip_of(GOOD), "/v1/predictions"),
            "422 single-image-expected",
        ),
    },
    "65,535 pixels a side": {
        "a PNG": (alone(png_of(65_535, 65_535)), LARGE),
        "a BMP": (
            alone(b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 65_535, 65_535, 1, 24, 0) + bytes(24)),
            LARGE,
        ),
    },
    "2^31 pixels a side": {
        "a BMP": (alone(b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 9, -(1 << 31), 1, 24, 0)), BAD),
        "a WebP of 2^14": (
            alone(b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xff\xff\xff\x0f" + bytes(9)),
            LARGE,
        ),
        "a WebP of 2^24": (
            alone(b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0\x10\0\0\0" + b"\xff" * 6),
            LARGE,
        ),
        "2^31 - 1": (alone(png_of((1 << 31) - 1, (1 << 31) - 1)), LARGE),
        "2^32 - 1": (alone(png_of((1 << 32) - 1, (1 << 32) - 1)), LARGE),
    },
    "no pixels": {
        "0 x 0": (alone(png_of(0, 0)), BAD),
        "9 x 0": (alone(png_of(9, 0)), BAD),
    },
    "88 million pixels in 86 KB": {"9,400 x 9,400": (alone(blank(9400)), LARGE)},
    "169 million pixels": {"13,000 x 13,000": (alone(blank(13_000)), LARGE)},
    # Metadata is not needed to read an image: it is skipped, and the image is read.
    "a note that unpacks to 200 MB": {"zTXt": (alone(note(b"zTXt")), FINE)},
    "large notes, and many": {
        "iCCP": (alone(note(b"iCCP")), FINE),
        "iTXt": (alone(note(b"iTXt")), FINE),
        "eXIf": (alone(note(b"eXIf")), FINE),
        "100,000": (alone(png_of(9, 9, png_chunk(b"teSt", b"") * 100_000, pixels=bytes(90))), FINE),
        "of a TIFF": (alone(tiff_of_notes(10_000, 1 << 20)), FINE),
    },
    "an image that was cut off": {
        "a PNG anywhere": (
            together([PNG[:size] for size in range(0, len(PNG), 5)]),
            "undecodable-image",
        ),
        "a JPEG anywhere": (
            together([JPEG[:size] for size in range(0, len(JPEG) - 2, 7)]),
            "undecodable-image",
        ),
        "a PNG": (alone(PNG[:-20]), BAD),
        "a JPEG": (alone(JPEG[:-200]), BAD),
        "a WebP": (alone(saved(DRAWING, "WEBP")[:-50]), BAD),
        "a BMP": (alone(saved(DRAWING, "BMP")[:-50]), BAD),
        "a TIFF": (alone(tiff_of([DRAWING])[:-500]), BAD),
    },
    "an image with a flipped bit": {
        "a PNG": (together(flipped(PNG, 100)), "undecodable-image"),
        # A JPEG with a flipped bit among its pixels is still a JPEG, with other pixels.
        "a JPEG": (together(flipped(JPEG, 100)), "read, undecodable-image"),
        "a checksum": (alone(PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:]), BAD),
    },
    "thousands of frames": {
        # The first frame of an animation is read.
        "an APNG": (alone(lambda: animation([DRAWING, DRAWING.T] * 200, "PNG")), FINE),
        "a WebP": (alone(lambda: animation([DRAWING, DRAWING.T] * 200, "WEBP")), FINE),
        "a GIF": (alone(lambda: animation([DRAWING, DRAWING.T] * 500, "GIF")), BAD),
        "a GIF on its own": (
            uploaded("image/gif", animation([DRAWING] * 2, "GIF")),
            "422 unknown-format",
        ),
    },
    "a TIFF of many pages, or of endless ones": {
        # Each page is an image; one that lies fails, and so do all after it.
        "10,001 pages": (
            uploaded("image/tiff", lambda: tiff_of_shared_strips(10_001, 9)),
            "413 too-many-images",
        ),
        "a loop": (alone(tiff_loop()), BAD),
        "a loop among others": (
            uploaded("application/zip", zip_of(GOOD | {"a": tiff_loop()})),
            "202",
        ),
        "a page that leads to itself": (alone(b"II*\0\x08\0\0\0\0\0\x08\0\0\0"), BAD),
        "no page": (alone(b"II*\0" + bytes(4)), BAD),
        "four bytes": (alone(b"II*\0"), BAD),
        "pages cut off": (alone(tiff_of([DRAWING] * 3)[:5000]), BAD),
        "65,535 tags": (alone(b"II*\0\x08\0\0\0\xff\xff"), BAD),
        "10,000 pages in one directory": (
            uploaded("image/tiff", lambda: tiff_of_shared_directories(10_000)),
            "202",
        ),
        "10,000 pages with one list": (
            uploaded("image/tiff", lambda: tiff_of_shared_values(10_000, 1 << 24)),
            "202",
        ),
        "100 pages in one strip": (
            uploaded("image/tiff", lambda: tiff_of_shared_strips(100, 100_000)),
            "202",
        ),
    },
    "a format that is not read": {
        name: (alone(data, f"{name}.png"), BAD) for name, data in MAGICS.items()
    },
    "two formats in one file": {
        "a GIF and a ZIP": (alone(animation([DRAWING] * 2, "GIF") + zip_of(GOOD)), BAD),
        "a PNG and a ZIP": (alone(PNG + zip_of(GOOD)), FINE),
        "a PNG and PHP": (alone(PNG + PHP), FINE),
        "a JPEG and PHP": (alone(JPEG + PHP), FINE),
        "PHP in a JPEG's note": (alone(tagged(JPEG, PHP)), FINE),
        "a PNG and a page, served": (served_back(PNG + PHP), "image/png"),
        "a page, served": (served_back(b"<!doctype html>" + PHP), "application/octet-stream"),
        "an SVG, served": (served_back(SVG), "application/octet-stream"),
    },
    "another type than it says": {
        # The first bytes decide what a file is; its name and the Content-Type are ignored.
        "a JPEG as PNG": (uploaded("image/png", JPEG, "/v1/predictions"), FINE),
        "a PNG as TIFF": (uploaded("image/tiff", PNG, "/v1/predictions"), FINE),
        "a PNG as a ZIP": (uploaded("application/zip", PNG, "/v1/predictions"), FINE),
        "a PNG as .exe": (alone(PNG, "scan.exe"), FINE),
        "a ZIP as PNG": (uploaded("image/png", zip_of(GOOD)), "202"),
        "an image of another world": (uploaded("image/x-alien", PNG), "202"),
    },
    "an odd kind of pixels": {name: (ask, FINE) for name, ask in KINDS.items()},
    "EXIF": {f"turned by {each}": (alone(turned(JPEG, each)), FINE) for each in range(1, 9)}
    | {
        "turned by 9": (alone(turned(JPEG, 9)), FINE),
        "broken": (alone(tagged(JPEG, EXIF + b"II*\0\xff\xff\xff\xff")), FINE),
        "64 KB": (alone(tagged(JPEG, EXIF + b"MM\0*" + b"\xff" * 65_000)), FINE),
        "a loop": (alone(tagged(JPEG, EXIF + tiff_loop())), FINE),
    },
    "a JPEG of thousands of scans": {
        "1,000": (alone(jpeg_of_many_scans(DRAWING, 1000)), BAD),
        "10,000 of a line": (alone(jpeg_of_many_scans(np.zeros((1, 60_000), np.uint8), 10_000)), BAD),
        "ten": (of_pillow("JPEG", progressive=True), FINE),
    },
    "an odd kind of JPEG": {
        "lossless": (alone(frame_as(0xC3)), BAD),
        "arithmetic and lossless": (alone(frame_as(0xCB)), BAD),
        "hierarchical": (alone(frame_as(0xC5)), BAD),
        "12 bits": (alone(frame_as(0xC0, precision=12)), BAD),
        # libjpeg-turbo reads arithmetic coding; these pixels are noise to it.
        "arithmetic": (alone(frame_as(0xC9)), FINE),
    },
    "a line of pixels": {
        "4 million high": (alone(png_of(1, 4_000_000)), LARGE),
        "4 million wide": (alone(png_of(4_000_000, 1)), LARGE),
    },
    "an odd size": {
        f"{width} x {height}": (of_pixels(np.resize(DRAWING, (height, width))), FINE)
        for width, height in ((1, 1), (27, 28), (29, 28), (1, 300), (300, 1), (28, 28), (2000, 3))
    }
    | {"28 x 28 in colour": (of_pixels(np.resize(COLOUR, (28, 28, 3))), FINE)},
    "nothing to be seen": {
        "black": (of_pixels(np.zeros((64, 64), np.uint8)), FINE),
        "white": (of_pixels(np.full((64, 64), 255, np.uint8)), FINE),
        "all clear": (of_pixels(np.zeros((64, 64, 4), np.uint8)), FINE),
        "one point": (of_pixels(np.eye(64, dtype=np.uint8)[:1].repeat(64, 0)), FINE),
    },
    "files that broke decoders": {name: (alone(data), BAD) for name, data in BREAKERS.items()},
    "files that broke decoders which are not here": {
        name: (alone(data), BAD) for name, data in STRANGERS.items()
    },
    "an image that is dear to decode": {
        "16 million pixels": (alone(blank(4000)), FINE),
        "16 million, clear and laced": (alone(saved(np.zeros((1000, 1000, 4), np.uint8), "PNG")), FINE),
        "noise": (of_pixels(RNG.integers(0, 256, (1500, 1500), np.uint8)), FINE),
    },
}

CASES = list(cases("images", TABLE))
