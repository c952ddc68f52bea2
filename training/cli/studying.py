"""`study`: small networks compared by design, the test set once, and a report of all of it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from model.card import BadCard
from model.predictor import Predictor

from ..measures.evaluate import Evaluation, open_network, read_split, task_of
from ..run import write_json
from ..sets.data import Split
from ..sets.own import read_own
from ..sets.tasks import TASKS, Task
from ..shelf import RUNS
from ..study.chapter import FULL, QUICK
from ..study.exam import Exam
from ..study.finalists import measure
from ..study.letters import every_letter, label_meant, sheet
from ..study.making import making
from ..study.origin import training_of
from ..study.report import Study, write_report
from ..study.scalars import write_scalars
from ..study.study import study as run
from .measuring import tell
from .options import Data, Runs
from .running import OwnTest, OwnTrain, Quick, Transposed

console = Console(highlight=False)

Name = Annotated[str, typer.Argument(metavar="TASK", help=f"one of: {', '.join(TASKS)}")]
Out = Annotated[Path | None, typer.Option(help="folder of the report; reports/study-TASK by default")]
Best = Annotated[str, typer.Option(help="the network that is served; the one called as TASK by default")]
Weights = Annotated[
    Path | None,
    typer.Option(help="ImageNet weights of ResNet-18 (torchvision's names), to transfer from"),
]
ALetter = Annotated[str, typer.Option("--letter", help="print only what this letter is confused with")]
Sections = Annotated[
    list[str] | None, typer.Option("--section", help="only this section; may be repeated")
]
Processes = Annotated[int, typer.Option(min=0, help="trials run beside each other; 0: a core each")]
