"""Decodes one image of each format before the sandbox closes, since libraries load code on first use."""

import io
from itertools import product
from typing import get_args

import numpy as np
from PIL import ExifTags, Image

from model.card import Normalization
from model.files.headers import FORMATS
from model.files.images import Grey, decode
from model.ink.normalization import normalize
from model.layout import Kind, Layout
from model.sheets.cutting import cut

from .pictures import draw


def warm_up() -> None:
    """Read an image of every format, by every normalization and layout."""
    Image.init()
    drawing = Image.fromarray(np.tri(48, dtype=np.uint8) * 255)
    for file_format, exif in product(FORMATS, (b"", _turned())):  # TIFF and EXIF load other code
        out = io.BytesIO()
        drawing.save(out, file_format, exif=exif)
        grey = decode(out.getvalue(), drawing.width * drawing.height)
        for normalization in (None, *get_args(Normalization)):
            normalize(grey, normalization)
    for kind in get_args(Kind):
        cut(_writing(), "emnist", Layout(kind, 2, 2))
        draw(_writing(), "emnist", Layout(kind, 2, 2), b'[[[1, 1, 9, 9], "g", false]]')


def _turned() -> bytes:
    """EXIF of an image that lies on its side."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return exif.tobytes()


def _writing() -> Grey:
    """Strokes in two lines on light paper, so that there is something to cut."""
    page = np.full((200, 300), 230, np.uint8)
    for left in range(20, 280, 40):
        page[30:80, left : left + 6] = page[120:170, left : left + 20] = 30
    return page
