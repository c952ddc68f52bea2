"""The model card for people (Mitchell et al. 2019): what it reads, how well, from what, its limits."""

import json
from pathlib import Path
from string import Template

from model.card import Card

from ..measures.evaluate import Evaluation
from ..measures.metrics import groups_in
from ..registry import MADE_OF, SETTINGS, read_json
from ..tables import TextTable

PAGE = Template("""\
# $name

Reads ${count} characters: `$labels`, from 28x28 grey images normalized as $normalization does.
$parameters parameters, $macs million multiply-accumulates an image on average.

## Accuracy

Measured once, on the $measured_on:

| top-1 (95 % interval) | top-2 | top-3 | calibration error | not uncertain | of these right |
|---|---|---|---|---|---|
| $top1 ($low to $high) | $top2 | $top3 | $ece | $coverage | $accuracy_of_sure |

By `inkqueue evaluate $name`, which measures it again. An answer below a confidence of
$threshold is flagged `uncertain`: the least at which, with 99 % certainty, 98 % of the validation
answers above it are right.
$scans
## Data and recipe

$settings

## Limits

It reads one character per image. It was never shown other alphabets, punctuation, or several characters
at once, and answers all the same: look at `confidence` and `uncertain`. The images it learned from and
those it was measured on share their writers; new writers are read less well.
$alike""")

ALIKE = "Without the word around them nobody can tell these apart: {}.\n"


SCANS = """
On real scans, by `inkqueue evaluate {} --scans`:

{}"""


def describe(card: Card, found: Evaluation, run: Path, scans: TextTable | None = None) -> str:
    """The description in Markdown, with the table of `scans` if there is one."""
    low, high = found.interval
    groups = groups_in(card.labels)
    return PAGE.substitute(
        {name: f"{value:.4f}" for name, value in found.accuracy.items()},
        name=card.name,
        count=len(card.labels),
        labels=card.labels,
        normalization=card.normalization.upper(),
        parameters=f"{card.parameters:,}",
        macs=f"{found.cost.macs / 1e6:.2f}",
        measured_on=card.measured_on,
        low=f"{low:.4f}",
        high=f"{high:.4f}",
        threshold=card.uncertain_below,
        scans=SCANS.format(card.name, scans.markdown()) if scans else "",
        settings=_settings(run),
        alike=ALIKE.format(", ".join(groups)) if groups else "",
    )


def _settings(run: Path) -> str:
    """The settings saved with `run`: those of its training, or of the networks it was made of."""
    for name in (SETTINGS, MADE_OF):
        if (path := run / name).exists():
            settings = json.dumps(read_json(path), indent=2, ensure_ascii=False)
            return f"Made without any image of the test set:\n\n```json\n{settings}\n```"
    return "The settings of its run were not kept."
