"""`make gallery`: how a photograph and a page are read, step by step, as a picture for the README."""

import sys
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

from model.drawn import glyph
from model.engines.opening import open_predictor
from model.engines.predictor import Predictor
from model.files.images import Grey
from model.ink.finding import FIRST_SIDE, cut_out, find_all
from model.ink.ground import bright_ink
from model.ink.mask import even_strokes, ink_mask
from model.ink.normalization import normalize
from model.layout import Layout
from model.previews import SURE, UNSURE, Mark, boxed
from model.reading import read
from model.scaling import shrink
from model.sheets.choosing import choose
from model.sheets.cutting import cut
from training.sheets.drawing import Floats, Taking, enlarged, put, take
from training.sheets.pages import Writing, draw_page

mpl.use("Agg")

LINES = ("HandRead2026grab7", "QUEUEAfterEarth48")
CHARACTER = "R"
MOST_BYTES = 200_000


def main() -> None:
    """Draw both, read both, take the picture."""
    picture = Path(sys.argv[1])
    rng = np.random.default_rng(7)
    predictor = open_predictor("balanced", device="cpu")
    figure = plt.figure(figsize=(12, 6.6), dpi=100, facecolor="white", layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1, 2.4))
    show_character(above.subplots(1, 7), photograph(rng), predictor)
    show_page(below.subplots(1, 1), page(rng), predictor)
    figure.savefig(picture)
    shrink_file(picture)
    print(f"{picture}: {picture.stat().st_size // 1000} kB")


def photograph(rng: np.random.Generator) -> Grey:
    """A character in a ruled box, in the shadow of whoever holds the camera."""
    canvas: Floats = np.zeros((300, 260), np.float32)
    put(canvas, enlarged(glyph(CHARACTER, rng), 130), 60, 70)
    canvas[252:255] = canvas[:, 238:241] = 0.6
    how = Taking(3.0, 226, 60, grain=5, tilt=0.02, shadow=0.5, quality=75)
    return take(canvas, how, rng)[0]


def page(rng: np.random.Generator) -> Grey:
    """Two lines on ruled paper, askew, in uneven light."""
    characters = "".join(LINES)
    drawn = np.stack([glyph(each, rng) for each in characters])
    writing = Writing(2, len(LINES[0]), 1500, 560, 84, rules=True)
    how = Taking(-2.0, 232, 50, grain=1.5, shadow=0.3)
    return draw_page(drawn, writing, how, rng).pixels


def steps(grey: Grey, predictor: Predictor) -> dict[str, Grey]:
    """What normalization makes of a photograph, one after the other."""
    even, (found,) = bright_ink(shrink(grey, FIRST_SIDE)), find_all([grey])
    return {
        "as sent": grey,
        "light evened": even,
        "where there is ink": ink_mask(even),
        "no lines, no specks": found.mask,
        "strokes evened": even_strokes(cut_out(found)),
        "what the network sees": normalize(grey, predictor.card.normalization).pixels,
    }


def show_character(axes: "np.typing.NDArray[np.object_]", grey: Grey, predictor: Predictor) -> None:
    """Show a character, step by step, and the network's probabilities."""
    for place, (name, image) in zip(axes, steps(grey, predictor).items(), strict=False):
        _show(place, image, name)
    (answer,) = read(predictor, [normalize(grey, predictor.card.normalization)])
    labels, likely = [predictor.card.labels[each] for each in answer.classes], answer.probabilities
    bars = axes[-1].barh(labels, likely, color=[each / 255 for each in SURE[::-1]])
    axes[-1].bar_label(bars, [f" {p:.1%}" for p in likely], fontsize=9)
    axes[-1].invert_yaxis()
    axes[-1].set(title="what it says", xlim=(0, 1.6), xticks=[])
    axes[-1].title.set_fontsize(10)
    axes[-1].spines[:].set_visible(False)


def show_page(place: Axes, grey: Grey, predictor: Predictor) -> None:
    """Show a page with a box and a label at each character."""
    found = cut(grey, predictor.card.normalization, Layout("page"))
    answers = read(predictor, [each.glyph for each in found])
    labels = [predictor.card.labels[each.classes[0]] for each in answers]
    stand = choose(found, [each.probabilities[0] for each in answers])
    marks = [Mark(found[at].box, labels[at], answers[at].uncertain) for at in stand]
    drawn = cv2.cvtColor(boxed(grey, marks), cv2.COLOR_BGR2RGB)
    _show(
        place,
        np.asarray(drawn).astype(np.uint8),
        "a page: every character, orange where the network is not sure",
    )


def _show(place: Axes, image: Grey, name: str) -> None:
    place.imshow(image, cmap="gray", vmin=0, vmax=255)
    place.set_title(name, fontsize=10)
    place.set_axis_off()


def shrink_file(picture: Path) -> None:
    """Reduce the file to few colours: greys, and those of the boxes. Raises SystemExit if that is too
    large."""
    shades = [(grey,) * 3 for grey in np.linspace(0, 255, 48).round().astype(int).tolist()]
    for colour in (SURE, UNSURE):
        shades += [tuple(round(255 + k / 8 * (c - 255)) for c in colour[::-1]) for k in range(1, 9)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for shade in shades for part in shade])
    with Image.open(picture) as whole:
        few = whole.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)
    few.save(picture, optimize=True)
    if picture.stat().st_size > MOST_BYTES:
        raise SystemExit(f"{picture} has over {MOST_BYTES} bytes")


if __name__ == "__main__":
    main()
