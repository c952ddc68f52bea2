"""The chapter on convolutional networks: sizes in a table and in plots."""

from collections.abc import Sequence

from ...tables import TextTable
from ..chapter import Chapter, Plot, Series
from ..rounds import COST, accuracies, cost, ranked
from ..statistics import NOTE, told
from .findings import findings
from .sizes import DEPTHS, KERNEL, OTHER_RATES, RATE, WIDE_KERNELS, WIDTH, WIDTHS, Comparison, Size

INTRODUCTION = (
    "Each layer is a convolution, batch normalization, ReLU and a 2x2 maximum, and has twice the "
    "channels of the layer before; one linear layer follows. All are shown equally many images, in "
    f"batches of one size, at one learning rate, {RATE:g}; that rate is checked against "
    f"{OTHER_RATES[0]:g} and {OTHER_RATES[1]:g} for one network of each depth, {WIDTH} channels "
    f"wide with kernel {KERNEL}, not for every network. Where another is "
    "clearly better there, it is used when the best network of that depth is trained again, longer and "
    "by more seeds."
)


def tell(found: Comparison) -> Chapter:
    """The chapter; the best of each depth goes to the test set."""
    return Chapter(
        title="Convolutional layers",
        introduction=INTRODUCTION,
        findings=findings(found),
        tables=[_sizes(found), _rates(found), _confirmed(found)],
        plots=[_by_macs(found), _by_depth(found), _by_kernel(found)],
        finalists={str(size): found.confirmed[size] for size in ranked(found.confirmed)},
    )


def _sizes(found: Comparison) -> TextTable:
    rows = [(str(size), told(accuracies(those)), *cost(those)) for size, those in found.compared.items()]
    return TextTable("Sizes, on equally many images", ("network", "accuracy", *COST), rows, [NOTE])


def _rates(found: Comparison) -> TextTable:
    rates = sorted((RATE, *OTHER_RATES))
    rows = [
        (str(size), *(told(accuracies(found.checked[size, rate])) for rate in rates))
        for size in (Size(layers, WIDTH, KERNEL) for layers in DEPTHS)
    ]
    return TextTable(
        "The learning rate, checked", ("network", *[f"rate {rate:g}" for rate in rates]), rows, [NOTE]
    )


def _confirmed(found: Comparison) -> TextTable:
    rows = [
        (
            str(size),
            f"{found.rates[size.layers]:g}",
            told(accuracies(found.confirmed[size])),
            *cost(found.confirmed[size]),
        )
        for size in ranked(found.confirmed)
    ]
    return TextTable(
        "The best of each depth, trained longer", ("network", "rate", "accuracy", *COST), rows, [NOTE]
    )


def _by_macs(found: Comparison) -> Plot:
    series = []
    for layers in DEPTHS:
        those = sorted((size for size in found.compared if size.layers == layers), key=found.macs)
        series.append(_series(found, _depth(layers), [found.macs(size) for size in those], those))
    return Plot(
        "convolutions-macs",
        "Accuracy over multiply-accumulates, by depth.",
        "multiply-accumulates an image",
        series,
        log_x=True,
        joined=False,
    )


def _by_depth(found: Comparison) -> Plot:
    series = [
        _series(
            found, f"{width} channels first", DEPTHS, [Size(layers, width, KERNEL) for layers in DEPTHS]
        )
        for width in WIDTHS
    ]
    caption = f"Accuracy by depth, for each width of the first layer; kernel {KERNEL}."
    return Plot("convolutions-depth", caption, "convolutional layers", series)


def _by_kernel(found: Comparison) -> Plot:
    kernels = (KERNEL, *WIDE_KERNELS)
    series = [
        _series(found, _depth(layers), kernels, [Size(layers, WIDTH, kernel) for kernel in kernels])
        for layers in DEPTHS
    ]
    caption = f"Accuracy by side of the kernel, {WIDTH} channels in the first layer."
    return Plot("convolutions-kernel", caption, "side of the kernel", series)


def _series(found: Comparison, name: str, x: Sequence[float], those: Sequence[Size]) -> Series:
    return Series(name, x, [accuracies(found.compared[size]) for size in those])


def _depth(layers: int) -> str:
    return f"{layers} layer{'s' if layers > 1 else ''}"
