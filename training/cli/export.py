"""`data export NAME OUT`: a task's images as a course would hand them out, in a folder or a ZIP."""

from pathlib import Path
from typing import Annotated

import typer

from model.terminal import progress

from ..sets.course import write_course
from ..sets.data import join
from ..sets.tasks import TASKS, read_split
from .console import console
from .options import Quick, SubcommandData

Name = Annotated[str, typer.Argument(help=f"one of: {', '.join(TASKS)}")]
Out = Annotated[Path, typer.Argument(help="a folder, or a .zip file, that does not exist yet")]
Train = Annotated[bool, typer.Option("--train", help="only what is trained on, directly in OUT")]
Test = Annotated[bool, typer.Option("--test", help="only what is measured on, directly in OUT")]


def export(
    context: typer.Context,
    name: Name,
    out: Out,
    data: SubcommandData = None,
    train: Train = False,
    test: Test = False,
    quick: Quick = False,
) -> None:
    """Write a task's images to OUT/train and OUT/test: JPEGs called a_00002.jpg, RGB, on their sides.

    Read them with `train NAME --train OUT --test OUT --transposed`.
    """
    if name not in TASKS:
        raise typer.BadParameter(f"no task {name!r}; there are {', '.join(TASKS)}")
    split = read_split(name, data or context.obj, quick)
    parts = {"train": join([split.train, split.validation]), "test": split.test}
    if train != test:
        parts = {"": parts["train" if train else "test"]}
    with progress(sum(map(len, parts.values()))) as advance:
        write_course(parts, TASKS[name].labels, out, advance)
    sizes = ", ".join(f"{len(data):,} in {out / part}" for part, data in parts.items())
    console.print(f"images: {sizes}", markup=False)
