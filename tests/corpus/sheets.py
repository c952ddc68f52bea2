"""Images that are sent as pages or grids: odd pages, endless ones, grids without cells."""

from collections.abc import Sequence

import numpy as np

from model.drawn import draw

from .asking import results, submit, uploaded
from .cases import Ask, Table, cases
from .images import fate
from .stage import GOOD, Stage
from hostile_files import saved
from samples import glyphs, npy_of, page, tiff_of, zip_of

RNG = np.random.default_rng(9)
PAGE = page(["ABC 47", "HKE 2Z"], RNG)
READ, BAD = "read", "undecodable-image"
NET = (np.indices((2000, 2000)) % 40 < 3).any(0)
GOOD_GRID = np.where((np.indices((203, 203)) % 40 < 3).any(0), 0, 255).astype(np.uint8)
"""A ruled sheet without any characters, and a grid of five by five cells."""
PAPER = np.full((203, 203), 230, np.uint8)
"""Blank paper, which can be divided into any rows and columns, since it has no cells of its own."""

QUERIES = ("layout=page", "layout=line", "layout=grid", "layout=grid&rows=20&columns=20")


def read_as(pixels: np.typing.NDArray[np.generic] | bytes, *queries: str) -> Ask:
    """Send an image in each layout; the different things that became of it. A good image beside it must
    always be read."""

    def ask(stage: Stage) -> str:
        data = pixels if isinstance(pixels, bytes) else saved(pixels, "PNG")
        found: Sequence[str] = ()
        for query in queries or QUERIES[:2]:
            beside = PAPER if "rows" in query else GOOD_GRID
            files = {"odd.png": data, "good.png": saved(beside, "PNG")}
            odd, good = results(stage, submit(stage, "application/zip", zip_of(files), f"?{query}"))
            assert fate(good) == READ
            assert fate(odd) != READ or odd["text"].count("\n") < 10_000
            found = (*found, fate(odd))
        return ", ".join(sorted(set(found)))

    return ask


TABLE: Table = {
    "what is no page": {
        "nothing": (read_as(b""), BAD),
        "text": (read_as(b"I am a page, believe me."), BAD),
        "half a page": (read_as(saved(PAGE, "PNG")[:2000]), BAD),
        "an array": (
            uploaded("application/x-npy", npy_of(glyphs(2, RNG)), "/v1/jobs?layout=page"),
            "422 array-layout",
        ),
    },
    "a page with nothing on it": {
        "one pixel": (read_as(np.zeros((1, 1), np.uint8)), READ),
        "black": (read_as(np.zeros((700, 500), np.uint8)), READ),
        "white": (read_as(np.full((700, 500), 255, np.uint8)), READ),
        "a row of pixels": (read_as(np.resize(draw("R", RNG), (1, 30_000))), READ),
        "a column of them": (read_as(np.resize(draw("R", RNG), (30_000, 1))), READ),
    },
    "a page of many pages": {
        "a TIFF": (uploaded("image/tiff", tiff_of([PAGE, PAGE]), "/v1/jobs?layout=page"), "202"),
    },
    "a page that is dear": {
        "noise": (read_as(RNG.integers(0, 256, (1500, 1500), np.uint8)), READ),
        "squares": (read_as((np.indices((2000, 2000)).sum(0) // 4 % 2 * 255).astype(np.uint8)), READ),
        "stripes": (read_as((np.indices((2000, 2000))[0] % 8 // 3 * 100).astype(np.uint8)), READ),
        "16 million pixels": (read_as(np.full((4000, 4000), 230, np.uint8)), READ),
    },
    "a grid that is none": {
        "paper": (read_as(np.full((500, 500), 230, np.uint8), "layout=grid"), BAD),
        "one pixel": (read_as(np.zeros((1, 1), np.uint8), QUERIES[3]), BAD),
        "paper that is divided": (read_as(np.full((500, 500), 230, np.uint8), QUERIES[3]), READ),
    },
    "a grid of many cells": {
        "2,401": (
            read_as(np.where(NET, 0, 255).astype(np.uint8), "layout=grid&model=digits-nano"),
            READ,
            3.0,
        ),
    },
    "an option that does not fit its layout": {
        query: (uploaded("image/png", GOOD["good-0.png"], f"/v1/jobs?{query}"), "422 invalid-parameter")
        for query in (
            "layout=book",
            "layout=Page",
            "layout=page&layout=line",
            "layout=page&rows=2&columns=2",
            "layout=grid&rows=2",
            "layout=grid&columns=2",
            "layout=grid&rows=0&columns=2",
            "layout=grid&rows=2&columns=201",
            "layout=grid&rows=1e9&columns=2",
            "layout=grid&rows=200&columns=51",
            "rows=2&columns=2",
            "layout=page&normalize=none",
        )
    },
}

CASES = list(cases("sheets", TABLE))
