"""What a network saw of an image, as PNG. Few requests touch pixels, so OpenCV comes with the first."""

from model.card import Card
from worker.chunks import ImageFile, PixelBlock
from worker.jobs import Job

from ..problems import Problem


def preview_png(image: ImageFile | PixelBlock, job: Job, card: Card | None, max_pixels: int) -> bytes:
    """The 28x28 pixels of an image as `job` reads it. Raises `undecodable-image`, `image-too-large`."""
    from model.images import BadImage, TooLarge
    from model.normalization import read_glyph
    from model.strokes import png

    if isinstance(image, PixelBlock):
        return glyph_png(image)
    recipe = card.recipe if card and job.options.normalize == "auto" else None
    try:
        return png(read_glyph(image, recipe, max_pixels))
    except TooLarge as error:
        raise Problem("image-too-large", f"{error}.") from error
    except BadImage as error:
        raise Problem("undecodable-image", f"{error}.") from error


def glyph_png(block: PixelBlock) -> bytes:
    """One image of an array."""
    import numpy as np

    from model.strokes import png

    return png(np.frombuffer(block.data, np.uint8).reshape(28, 28))
