"""The names of things in Redis; the Lua scripts spell out the same ones (see scripts/common.lua)."""

from .jobs import Lane

LANES: tuple[Lane, ...] = ("interactive", "bulk")

STATS = "ink:stats"
MEASURES = "ink:measures"
PEAK = "ink:peak"
"""The most images that were ever queued."""

WORKERS = "ink:workers"
SENDERS = "ink:senders"
"""Workers and senders, scored by their last heartbeat (ms)."""

ALIVE_MS = 10_000
"""One is taken to be alive for so long after a heartbeat (ALIVE in scripts/common.lua)."""

ENDED = "ink:ended"
"""The pub/sub channel that names every job that ends."""

CHANGED = "ink:changed"
"""The pub/sub channel that names every job that begins, progresses, or is being canceled."""


def job_name(owner: str, job_id: str) -> str:
    """A job's internal name: its owner is part of it, so nobody else's job is ever found."""
    return f"{owner}/{job_id}"


def job(name: str) -> str:
    """The hash of a job's state."""
    return f"ink:job:{name}"


def chunk_input(name: str, chunk: int) -> str:
    """The packed images of a chunk, until it is committed."""
    return f"ink:job:{name}:in:{chunk}"


def chunk_names(name: str, chunk: int) -> str:
    """The names of a chunk's images, for as long as the job."""
    return f"ink:job:{name}:names:{chunk}"


def staged_input(token: str, chunk: int) -> str:
    """The packed images of a chunk whose job is not submitted yet."""
    return f"ink:stage:{token}:in:{chunk}"


def staged_names(token: str, chunk: int) -> str:
    """The names of the images of such a chunk."""
    return f"ink:stage:{token}:names:{chunk}"


def starts(name: str) -> str:
    """Little-endian u32: the index of each chunk's first image, then the total; none for one chunk."""
    return f"ink:job:{name}:starts"


def results(name: str) -> str:
    """The hash of packed results by chunk."""
    return f"ink:job:{name}:out"


def corrections(name: str) -> str:
    """The hash of a person's labels of images, by index."""
    return f"ink:job:{name}:corrections"


def suspects(name: str, chunk: int) -> str:
    """The hash of a chunk's images and blocks that workers had in hand, with their leases' tokens."""
    return f"ink:job:{name}:hands:{chunk}"


def owner_jobs(owner: str) -> str:
    """An owner's jobs, scored by when they came (us)."""
    return f"ink:owner:{owner}"


def idempotency(owner: str, digest: str) -> str:
    """The job that a request with an Idempotency-Key made."""
    return f"ink:idem:{owner}:{digest}"


def lock(owner: str, digest: str) -> str:
    """Exists while a request with an Idempotency-Key, or for an id of its own, is under way."""
    return f"ink:lock:{owner}:{digest}"


def streams(owner: str) -> str:
    """An owner's open event streams, scored by when their leases end (ms)."""
    return f"ink:streams:{owner}"


def worker(worker_id: str) -> str:
    """The hash of what a worker tells of itself."""
    return f"ink:worker:{worker_id}"


def wake(worker_id: str) -> str:
    """The list of what a lingering worker was woken for: models, or claims."""
    return f"ink:wake:{worker_id}"


def hooks(owner: str) -> str:
    """An owner's webhook endpoints, scored by when they came (ms)."""
    return f"ink:hooks:{owner}"


def hook(owner: str, hook_id: str) -> str:
    """The hash of an endpoint."""
    return f"ink:hook:{owner}/{hook_id}"


def delivery(delivery_id: str) -> str:
    """The hash of a delivery."""
    return f"ink:delivery:{delivery_id}"


def attempts(delivery_id: str) -> str:
    """The list of how each attempt at a delivery went, as JSON."""
    return f"ink:delivery:{delivery_id}:attempts"


def job_deliveries(name: str) -> str:
    """The deliveries about a job, scored by when they came (ms)."""
    return f"ink:deliveries:job:{name}"


def hook_deliveries(owner: str, hook_id: str) -> str:
    """The deliveries to an endpoint, scored by when they came (ms)."""
    return f"ink:deliveries:hook:{owner}/{hook_id}"
