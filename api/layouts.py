"""What the client sees of an image with many characters: its lines, words, and where each stands."""

from pydantic import BaseModel, Field

Box = tuple[int, int, int, int]
"""Left, top, width, height in pixels of the upload as it is shown (EXIF turned)."""


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
    """Characters without a gap; a cell of a grid."""

    text: str
    box: Box
    characters: list[CharacterOut]


class LineOut(BaseModel):
    """Words beside each other; a row of a grid."""

    text: str = Field(description="its words, separated by spaces")
    box: Box
    words: list[WordOut]
