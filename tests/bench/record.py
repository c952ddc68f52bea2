"""All that one run of the benchmark measured, for a JSON file and as rows of a table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .bulk import Bulk
from .forward import WAYS, Raw, Way
from .setting import CORES, Setting
from .singles import Beside, Singles
from .starting import LEASE_MS

Row = tuple[str, str]


@dataclass
class Record:
    """`raw` has the network alone, before and after all else; `bulk` the network as served and
    `reference` in float32; `singles` are by kind of image, `memory` in MB by moment and process."""

    setting: Setting
    machine: Mapping[str, str]
    raw: list[dict[Way, Raw]]
    normalized: dict[str, float] = field(default_factory=dict)
    start_s: float = 0.0
    bulk: list[Bulk] = field(default_factory=list)
    reference: list[Bulk] = field(default_factory=list)
    singles: dict[str, list[Singles]] = field(default_factory=dict)
    beside: Beside | None = None
    recovery_s: float = 0.0
    memory: dict[str, dict[str, float]] = field(default_factory=dict)

    def limit(self, way: Way) -> float:
        """The higher raw rate, so that no ratio is flattering."""
        return max(each[way].rate for each in self.raw)

    def rows(self) -> Iterator[Row]:
        """The rows of the README's table."""
        yield "start of gateway and workers to the first result", f"{self.start_s:.2f} s"
        yield from self._limits()
        for each in self.bulk:
            yield from self._bulk(each.load, each, "auto", "auto screened")
        for each in self.reference:
            yield from self._bulk(f"{each.load} in float32", each, "float32", "float32 screened")
        for kind, loads in self.singles.items():
            for one in loads:
                yield f"one {kind} PNG a request, {one.connections} connections", _singles(one)
        if self.beside:
            note = "" if self.beside.all_along else " (which ended before they did)"
            yield f"the same, 20 connections, beside a large job{note}", _singles(self.beside.found)
        lease = f"{LEASE_MS / 1000:.0f} s"
        yield f"a dead worker's chunk, lease {lease}, done by another", f"{self.recovery_s:.2f} s"
        for moment, parts in self.memory.items():
            each = ", ".join(f"{part} {size:.0f}" for part, size in parts.items())
            yield f"memory (PSS), {moment}", f"{sum(parts.values()):.0f} MB: {each}"

    def _limits(self) -> Iterator[Row]:
        for way, name in WAYS.items():
            found = ", ".join(f"{each[way].rate:,.0f}" for each in self.raw)
            yield f"raw pass, {name}, {CORES} processes, before and after", f"{found} images/s"
        for kind, rate in self.normalized.items():
            yield f"{kind} PNGs to glyphs, one core, decoding included", f"{rate:,.0f} images/s"

    def _bulk(self, name: str, run: Bulk, alone: Way, screened: Way) -> Iterator[Row]:
        ratios = f"{run.rate / self.limit(alone):.2f} of raw"
        if run.load.startswith("ZIP"):  # only files are screened
            ratios += f", {run.rate / self.limit(screened):.2f} of raw with the screen"
        yield f"{name}, sent to all results read", f"{run.rate:,.0f} images/s, {ratios}"
        stages = ", ".join(f"{stage} {cost:.1f}" for stage, cost in run.stages.items())
        yield f"{name}, us of processor time an image", f"{stages}: {sum(run.stages.values()):.0f}"
        held = f"{run.redis_bytes:,.0f} bytes an image in Redis after"
        yield f"{name}, results alone", f"{run.download:,.0f} images/s; {held}"


def _singles(run: Singles) -> str:
    times = f"p50 {run.p50:.1f}, p95 {run.p95:.1f}, p99 {run.p99:.1f} ms"
    return f"{run.rate:,.0f}/s, {times} (generator {100 * run.generator:.0f} % of a core)"
