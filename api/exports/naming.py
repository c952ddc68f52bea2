"""What files of an export are called: by label, in names that every file system takes."""

import re
import unicodedata

from model.letter_names import name_of
from worker.jobs import Job
from worker.results import Answer
from worker.store import Item

UNREAD = "unread"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def path_of(folder: str, item: Item) -> str:
    """Where an image is in an archive, without its suffix."""
    stem = _UNSAFE.sub("_", item.name.rsplit("/", 1)[-1].rsplit(".", 1)[0])[:60]
    return f"{folder}/{item.index:06d}-{stem}"


def label_of(job: Job, item: Item) -> str | None:
    """What an image is: as a person says, else as it was read."""
    if item.correction is None and isinstance(item.result, Answer):
        return job.labels[item.result.classes[0]]
    return item.correction


def folder_of(label: str, labels: str) -> str:
    """A folder's name that every file system takes and `training` reads as `label`.

    A label that no folder can be called by is the number of its class.
    """
    if not (label.isalnum() and unicodedata.is_normalized("NFD", label)):
        return f"{labels.index(label):04d}"
    return name_of(label, labels)
