"""The options that several commands of the training line share."""

from pathlib import Path
from typing import Annotated

import typer

from ..sets.own import OwnTest

Data = Annotated[Path, typer.Option(help="folder with mnist/ and emnist/; see: inkqueue data")]
SubcommandData = Annotated[
    Path | None, typer.Option("--data", help="folder of the data sets", show_default="data")
]
"""For a subcommand of `data`: by default the folder that `data` itself was given."""

Runs = Annotated[Path, typer.Option(file_okay=False, help="folder of the runs, one folder each")]
Threads = Annotated[int, typer.Option(min=0, help="processor threads; 0 is all")]
Network = Annotated[
    str, typer.Argument(help="a published network, a run (NAME or NAME-SEED), or a checkpoint's file")
]
Quick = Annotated[
    bool, typer.Option("--quick", help="use characters drawn here: needs no data set, means nothing")
]
OwnImages = Annotated[
    Path | None,
    typer.Option(
        "--test",
        help="your own images to measure on: IDX, CSV, .npy, .npz, or a folder or ZIP of images",
    ),
]
Transposed = Annotated[bool, typer.Option(help="your images lie on their side, as EMNIST's do")]
LabelsFrom = Annotated[int, typer.Option(help="the number of your first class")]
Markdown = Annotated[bool, typer.Option("--markdown", help="print Markdown, for a README")]


def own_test(test: Path | None, transposed: bool, labels_from: int, quick: bool) -> OwnTest | None:
    """A person's own images to measure on, if `test` names any.

    With them, drawn ones are refused; without them, options about them.
    """
    if test and quick:
        raise typer.BadParameter("--quick and --test exclude each other")
    if test:
        return OwnTest(test, transposed, labels_from)
    if transposed or labels_from:
        raise typer.BadParameter("--transposed and --labels-from go with --test")
    return None
