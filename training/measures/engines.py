"""Every engine and precision against float32 torch on the same images: which may serve, and how fast."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.card import BadCard, Precision
from model.engines.opening import open_predictor
from model.engines.openvino_predictor import native_precisions
from model.engines.predictor import Predictor
from model.engines.torch_predictor import TorchPredictor

from ..sets.data import Set
from ..tables import TextTable, percent
from .answers import Ints
from .evaluate import timed_logits

AGREEMENT = 0.9995
DIFFERENCE = 0.0002
"""An engine may give another label than torch for one image in 2,000, and may move top-1 by 0.02 points
or by one image, whichever is more."""


@dataclass(frozen=True)
class Rival:
    """How an engine read `images`: the share of labels that agree with torch, top-1, its lead, speed."""

    network: str
    engine: str
    precision: Precision
    agreement: float
    accuracy: float
    lead: float
    images_per_second: float
    images: int

    @property
    def passes(self) -> bool:
        """Whether it may serve in torch's place."""
        moved = round(abs(self.lead) * self.images)
        return self.agreement >= AGREEMENT and moved <= max(1, DIFFERENCE * self.images)


def rivals(name: str, folder: Path, data: Set, threads: int = 0) -> Iterator[Rival]:
    """Yield torch itself, then the others, each measured on `data`."""
    reference = TorchPredictor.load(name, folder, "cpu")
    labels, speed = _read(reference, data)
    accuracy = float((labels == data.labels).mean())
    yield Rival(name, reference.engine, "float32", 1.0, accuracy, 0.0, speed, len(data))
    for precision in native_precisions():
        if precision == "int8" and not reference.card.ranges:
            continue
        predictor = open_predictor(name, folder, "cpu", "openvino", precision, threads)
        found, speed = _read(predictor, data)
        right = float((found == data.labels).mean())
        agreement = float((found == labels).mean())
        lead = right - accuracy
        yield Rival(name, predictor.engine, precision, agreement, right, lead, speed, len(data))


def least_precision(found: Sequence[Rival]) -> Precision:
    """The lowest precision in which OpenVINO may serve this network. Raises BadCard if it may not."""
    reference, *others = found
    passing = [each.precision for each in others if each.passes]
    if "float32" not in passing:
        raise BadCard(f"{reference.network}: OpenVINO does not read what torch does")
    return passing[-1]


def table(those: Sequence[Rival]) -> TextTable:
    """A row for each rival."""
    columns = ("network", "engine", "labels as torch", "top-1", "difference", "images/s", "may serve")
    rows = [
        (
            each.network,
            each.engine,
            percent(each.agreement, 3),
            percent(each.accuracy),
            f"{100 * each.lead:+.2f}",
            f"{each.images_per_second:,.0f}",
            "yes" if each.passes else "no",
        )
        for each in those
    ]
    return TextTable("Engines", columns, rows)


def _read(predictor: Predictor, data: Set) -> tuple[Ints, float]:
    logits, speed = timed_logits(predictor, data)
    return logits.argmax(axis=1), speed
