"""What libraries load at their first image, loaded before any: a decoder can open no file any more."""

import io
from typing import get_args

import numpy as np
from PIL import Image

from model.card import Recipe
from model.headers import FORMATS
from model.normalization import read_glyph


def warm_up() -> None:
    """Read an image of every format by every recipe."""
    Image.init()
    drawing = Image.fromarray(np.tri(48, dtype=np.uint8) * 255)
    for kind in FORMATS:
        out = io.BytesIO()
        drawing.save(out, kind)
        for recipe in (None, *get_args(Recipe)):
            read_glyph(out.getvalue(), recipe, drawing.width * drawing.height)
