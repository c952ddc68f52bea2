"""Whether two kinds of requests can be told apart by their times.

As dudect does it (Reparaz, Balasch, Verbauwhede 2017): by Welch's t, over all times and over the shorter
ones, in which small differences show.
"""

import http.client
import random
import time
from collections.abc import Sequence

import httpx
import numpy as np
import numpy.typing as npt

Times = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
Ask = tuple[str, dict[str, str]]


def times(url: str, one: Sequence[Ask], other: Sequence[Ask], samples: int) -> Times:
    """Seconds of `samples` GETs of each of two kinds, in random order over one connection."""
    link = http.client.HTTPConnection("127.0.0.1", httpx.URL(url).port)
    took: tuple[list[float], list[float]] = ([], [])
    order = [(kind, n) for kind in (0, 1) for n in range(samples)]
    random.shuffle(order)
    for kind, n in order:
        asks = (one, other)[kind]
        path, headers = asks[n % len(asks)]
        start = time.perf_counter()
        link.request("GET", path, headers=headers)
        link.getresponse().read()
        took[kind].append(time.perf_counter() - start)
    link.close()
    return np.array(took[0]), np.array(took[1])


def largest_t(took: Times) -> float:
    """The largest |t| of Welch's test, over all times and over those below a hundred thresholds."""
    both = np.concatenate(took)
    found = [_welch(*took)]
    for share in 1 - 0.5 ** (10 * (np.arange(100) + 1) / 100):
        below = np.quantile(both, share)
        found.append(_welch(*(each[each <= below] for each in took)))
    return max(map(abs, found))


def _welch(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    if min(len(a), len(b)) < 100:
        return 0.0
    spread = a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)
    return float((a.mean() - b.mean()) / np.sqrt(spread)) if spread else 0.0
