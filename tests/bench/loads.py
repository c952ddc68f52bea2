"""The loads: the same characters as arrays, and as files in archives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from model.files.images import Grey, png

from samples import drawings, glyphs, idx_of, npy_of, zip_of

DIFFERENT = 500

ARRAY, PNGS = ".npy", "ZIP of 28x28 PNGs"


@dataclass(frozen=True)
class Load:
    """The body of a job, with a name and its content type."""

    name: str
    content: bytes
    kind: str


def bulk(images: int, rng: np.random.Generator) -> list[Load]:
    """Every form in which a job of many images is measured. 28x28 in the form of the data sets passes
    the normalizer unchanged; 64x64 on paper does not."""
    arrays = characters(images, rng)
    ready, scans = list(arrays[:DIFFERENT]), drawings(DIFFERENT, rng)
    return [
        _array(arrays),
        Load("IDX", idx_of(arrays, compressed=False), "application/x-idx"),
        _archive(PNGS, images, ready, png),
        _archive("ZIP of 28x28 JPEGs", images, ready, _jpeg),
        _archive("ZIP of 64x64 PNGs", images, scans, png),
        _archive("ZIP of 64x64 JPEGs", images, scans, _jpeg),
    ]


def array(images: int, rng: np.random.Generator) -> Load:
    """A load in the form in which most images a second are read."""
    return _array(characters(images, rng))


def characters(images: int, rng: np.random.Generator) -> Grey:
    """(images, 28, 28), in which DIFFERENT characters repeat."""
    return glyphs(DIFFERENT, rng)[np.arange(images) % DIFFERENT]


def singles(count: int, rng: np.random.Generator) -> Mapping[str, Sequence[bytes]]:
    """PNG files of both kinds, by their size."""
    return {
        "28x28": [png(each) for each in glyphs(count, rng)],
        "64x64": [png(each) for each in drawings(count, rng)],
    }


def _array(pixels: Grey) -> Load:
    return Load(ARRAY, npy_of(pixels), "application/x-npy")


def _archive(name: str, images: int, pool: Sequence[Grey], encode: Callable[[Grey], bytes]) -> Load:
    files = [encode(each) for each in pool]
    named = {f"{number}.img": files[number % len(files)] for number in range(images)}
    return Load(name, zip_of(named), "application/zip")


def _jpeg(grey: Grey) -> bytes:
    return bytes(cv2.imencode(".jpg", grey)[1])
