"""The costs of processes: processor time by their part in the work, and memory."""

from collections.abc import Mapping, Sequence

import psutil
import redis

from services import Services

Processes = Mapping[str, Sequence[psutil.Process]]


def processes(services: Services) -> Processes:
    """The processes by their part in the work: gateway, workers, decoders, Redis."""
    ours = [psutil.Process(each.pid) for each in services.processes]
    workers = [each for each in ours if each.cmdline()[-1] == "worker"]
    with redis.Redis.from_url(services.redis_url) as client:
        server: int = client.info()["process_id"]  # type: ignore[index]
    return {
        "gateway": [each for each in ours if each.cmdline()[-1] == "api"],
        "workers": workers,
        "decoders": [child for each in workers for child in each.children(recursive=True)],
        "Redis": [psutil.Process(server)],
    }


def spent(found: Processes) -> dict[str, float]:
    """Seconds of processor time so far, by part."""
    return {part: sum(sum(each.cpu_times()[:2]) for each in some) for part, some in found.items()}


def since(before: Mapping[str, float], found: Processes, images: int) -> dict[str, float]:
    """Microseconds of processor time per image since `before`, by part."""
    return {part: (now - before[part]) / images * 1e6 for part, now in spent(found).items()}


def memory(found: Processes) -> dict[str, float]:
    """Memory in MB by part (PSS: each process counts its share of shared pages)."""
    return {
        part: sum(each.memory_full_info().pss for each in some) / 2**20 for part, some in found.items()
    }


def used_by_redis(services: Services) -> int:
    """Bytes that Redis uses."""
    with redis.Redis.from_url(services.redis_url) as client:
        used: int = client.info("memory")["used_memory"]  # type: ignore[index]
        return used
