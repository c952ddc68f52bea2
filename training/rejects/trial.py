"""The reject test: is junk flagged or uncertain, and are good characters left alone?"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..measures.evaluate import open_network
from ..measures.scans import measure_scans
from ..measures.verdicts import ScreenedReader, Verdicts, open_reader
from ..sets.data import Array, Set, hold_out_images
from ..sets.readers.meaning import NO_LABEL
from ..sets.tasks import read_split, task_of
from ..tables import TextTable, percent
from .examples import Pools, drawn
from .junk import KINDS
from .pictures import file_of, photograph
from .screening import CHOSEN, MEASURED, read_pools

COUNT = 1000
"""Pictures of each kind."""

QUICK = 20

SEED = 20_000
"""The seed of the first kind of junk; what the screen learned from was drawn with others."""

CAUGHT, SPARED = 0.95, 0.05
"""The share of junk that must be flagged or uncertain, and of good characters that may be flagged."""

COLUMNS = ("kind", "pictures", "flagged by pixels", "by the screen", "flagged", "uncertain")


def read_rejects(
    name: str,
    data: Path,
    runs: Path,
    tell: Callable[[str], None],
    quick: bool,
    threads: int,
) -> tuple[list[TextTable], list[dict[str, object]]]:
    """The tables of junk and of good characters read by `name`, and their figures for a JSON file.

    `tell` is told of every kind; `quick`: few pictures, of characters drawn here.
    Raises BadCard, BadData.
    """
    network, _ = open_network(name, runs, threads)
    reader = open_reader(network, threads)
    junk, good, count = [], [], QUICK if quick else COUNT
    pools = read_pools(data, quick)
    for found in read_junk(reader, pools[MEASURED].emnist, count):
        tell(f"{found.kind}: {percent(found.uncertain.mean())} flagged or uncertain")
        junk.append(found)
    held = read_split(task_of(network.card).name, data, quick).validation
    scans = () if quick else (each.verdicts for each in measure_scans(reader, data))
    for found in (read_characters(reader, unchosen(held, pools[CHOSEN]), count), *scans):
        tell(f"{found.kind}: {percent(found.flagged.mean())} flagged")
        good.append(found)
    return [_junk_table(junk), _good_table(good)], [record(each) for each in (*junk, *good)]


def read_junk(reader: ScreenedReader, pool: Array, count: int) -> Iterator[Verdicts]:
    """Yield verdicts on every kind of junk; if it is made of characters, of those in `pool`."""
    for number, (kind, draw) in enumerate(KINDS.items()):
        rng = np.random.default_rng(SEED + number)
        files = [file_of(photograph(draw(pool, rng), rng), rng) for _ in range(count)]
        yield reader.read_files(kind, files, np.full(count, NO_LABEL))


def unchosen(held: Set, chosen: Pools) -> Set:
    """The images of `held` that no screen was chosen on; tasks hold out images in different orders."""
    return hold_out_images(held, np.concatenate([chosen.emnist, chosen.mnist]))[0]


def read_characters(reader: ScreenedReader, held: Set, count: int) -> Verdicts:
    """Verdicts on characters of `held`, drawn as scans."""
    rng = np.random.default_rng(SEED - 1)
    rows = rng.choice(len(held), count)
    files = [file_of(photograph(drawn(held.images[[row]], rng), rng), rng) for row in rows]
    return reader.read_files("held out, drawn as scans", files, held.labels[rows])


def _junk_table(found: Sequence[Verdicts]) -> TextTable:
    rows = [_row(each, each.uncertain.mean() >= CAUGHT) for each in found]
    whole = np.concatenate([each.uncertain for each in found]).mean()
    note = f"In all {percent(whole)} are flagged or uncertain; {percent(CAUGHT, 0)} of each must be."
    return TextTable("Not characters", (*COLUMNS, "passes"), rows, [note])


def _good_table(found: Sequence[Verdicts]) -> TextTable:
    rows = [
        (
            *_row(each, each.flagged.mean() <= SPARED),
            percent(each.uncertain_in_charset.mean(), 1),
            percent(each.uncertain_merged.mean(), 1),
        )
        for each in found
    ]
    columns = (*COLUMNS, "passes", "uncertain in its charset", "look-alikes merged")
    return TextTable("Good characters", columns, rows, NOTES)


NOTES = (
    f"{percent(SPARED, 0)} of good characters may carry a flag. Confidence is also low for those that "
    "several labels fit (O and 0; I, 1 and L; cases of a letter): for fewer if the job says that they "
    "are digits, capitals or small letters, or if look-alikes count as one.",
)


def _row(found: Verdicts, passes: bool) -> tuple[str, ...]:
    shares = (found.quality > 0, found.screened > 0, found.flagged, found.uncertain)
    return (
        found.kind,
        f"{len(found):,}",
        *(percent(float(share.mean()), 1) for share in shares),
        "yes" if passes else "no",
    )


def record(found: Verdicts) -> dict[str, object]:
    """One row for a JSON file."""
    return {
        "kind": found.kind,
        "network": found.card.name,
        "pictures": len(found),
        "flagged": float(found.flagged.mean()),
        "uncertain": float(found.uncertain.mean()),
    }
