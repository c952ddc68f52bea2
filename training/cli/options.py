"""The options that several commands of the training line share."""

from pathlib import Path
from typing import Annotated

import typer

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
Markdown = Annotated[bool, typer.Option("--markdown", help="print Markdown, for a README")]
