"""How many files a second one core turns into glyphs, decoding included."""

import time
from collections.abc import Sequence

from model.files.images import decode
from model.ink.normalization import normalize_all
from worker.decoding.replies import BLOCK

REPEATS = 5


def rate(files: Sequence[bytes]) -> float:
    """Files a second of the thread's own processor time, the best of several."""
    times = []
    for _ in range(REPEATS):
        begin = time.thread_time()
        for start in range(0, len(files), BLOCK):  # as a decoder does
            some = files[start : start + BLOCK]
            normalize_all([decode(file) for file in some], "emnist")
        times.append(time.thread_time() - begin)
    return len(files) / min(times)
