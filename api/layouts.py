"""An image of many characters as clients see it: its lines and words, and the place of each."""

from pydantic import BaseModel, Field

Box = tuple[int, int, int, int]
"""Left, top, width, height, in pixels of the upload as displayed (turned by its EXIF orientation)."""


class LikelyOut(BaseModel):
    """One possible reading."""

    label: str
    p: float


class CharacterOut(BaseModel):
    """One character of an image with many."""

    label: str
    confidence: float
    uncertain: bool
    flags: list[str]
    top_k: list[LikelyOut]
    box: Box


class WordOut(BaseModel):
    """Characters without a gap between them; in a grid, a cell."""

    text: str
    box: Box
    characters: list[CharacterOut]


class LineOut(BaseModel):
    """Words beside each other; in a grid, a row."""

    text: str = Field(description="its words, separated by spaces")
    box: Box
    words: list[WordOut]
