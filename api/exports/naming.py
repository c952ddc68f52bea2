"""Names of the files of an export: by label, and valid on every file system."""

import re
import unicodedata

from model.letter_names import name_of
from worker.ledger.jobs import Job
from worker.ledger.results import Answer
from worker.ledger.store import Item

UNREAD = "unread"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_SUFFIX = re.compile(r"\.[^.]*?(?=(\[\d+\]|#\d+)?$)")
"""Before what says which image of an array or which page of a TIFF it is."""


def path_of(folder: str, item: Item) -> str:
    """The path of an image in an archive, without its suffix."""
    stem = _UNSAFE.sub("_", _SUFFIX.sub("", item.name.rsplit("/", 1)[-1]))[:60]
    return f"{folder}/{item.index:06d}-{stem}"


def label_of(job: Job, item: Item) -> str | None:
    """The label of an image: the one that a person gave, else the one that was read."""
    if item.correction is None and isinstance(item.result, Answer):
        return job.labels[item.result.classes[0]]
    return item.correction


def folder_of(label: str, labels: str) -> str:
    """A folder's name that every file system takes, and that `training` reads as `label`.

    For a label that cannot be part of a folder's name, it is the number of the label's class.
    """
    if not (label.isalnum() and unicodedata.is_normalized("NFD", label)):
        return f"{labels.index(label):04d}"
    return name_of(label, labels)
