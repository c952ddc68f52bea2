"""Opens a network by name, on the engine that suits this machine, to serve it or to measure it."""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..card import Card, Precision
from ..machine import usable_cores
from ..own_screens import read_own_screen
from ..storage import read_checkpoint
from .predictor import Predictor
from .replicas import Replicas

if TYPE_CHECKING:
    from .graph import Graphs

Engine = Literal["auto", "openvino", "torch"]

NVIDIA = Path("/dev/nvidiactl")
"""Exists if there is an NVIDIA driver: if not, torch need not be loaded to know that there is no GPU."""


def open_predictor(
    name: str,
    folder: Path | None = None,
    device: str = "auto",
    engine: Engine = "auto",
    precision: Literal["auto", Precision] = "auto",
    threads: int = 0,
) -> Predictor:
    """The network `name` in `folder`, or the published one, on `threads` CPU threads (0: one per core).

    The checkpoint is checked here; OpenVINO compiles it when it is warmed up or first needed. By default
    a GPU runs it if there is one, else OpenVINO in the precision of the card, or in float32 if the CPU
    does not compute in that natively. Raises BadCard; RuntimeError if the device, torch or the precision
    is missing.
    """
    if _engine(device, engine) == "torch":
        return _on_torch(name, folder, device, threads)
    from .openvino_predictor import OpenVinoPredictor, native_precisions, read_graphs

    card, _ = read_checkpoint(name, folder)
    own = read_own_screen(card, folder)
    screen = own.card if own else None
    chosen = _precision(card, precision, native_precisions())

    @cache
    def shared() -> "Graphs":
        return read_graphs(*read_checkpoint(name, folder), own, chosen)

    def make() -> Predictor:
        return OpenVinoPredictor(card, shared(), chosen, screen)

    return Replicas(card, f"OpenVINO {chosen}", make, cores(threads), screen)


def _precision(card: Card, wanted: Literal["auto", Precision], native: Sequence[Precision]) -> Precision:
    """The precision to run in; a network without ranges has no int8 layers, and int8 is `auto` for it.

    Raises RuntimeError if this CPU cannot do int8.
    """
    if wanted == "int8" and wanted not in native:
        raise RuntimeError("precision int8 needs a CPU with AVX-512 VNNI: set it to auto")
    if wanted == "auto" or (wanted == "int8" and not card.ranges):
        return card.precision if card.precision in native else "float32"
    return wanted


def cores(threads: int) -> int:
    """The number of CPU threads meant by `threads`: 0 means one per core."""
    return threads or usable_cores()


def _on_torch(name: str, folder: Path | None, device: str, threads: int) -> Predictor:
    if not find_spec("torch"):
        raise RuntimeError(
            f"device {device!r} needs torch: in Inkqueue's folder, pip install '.[torch]'"
        )
    from .torch_predictor import TorchPredictor, use_threads

    use_threads(threads)
    try:
        return TorchPredictor.load_screened(name, folder, device)
    except (AssertionError, RuntimeError) as error:  # which of them depends on how torch was built
        if device in ("auto", "cpu"):
            raise
        reason = str(error).partition("\n")[0]
        raise RuntimeError(f"device {device!r} cannot be used: {reason}") from error


def _engine(device: str, engine: Engine) -> Literal["openvino", "torch"]:
    """Which engine is meant; OpenVINO is for CPUs only. Raises RuntimeError."""
    if engine == "openvino" and device not in ("auto", "cpu"):
        raise RuntimeError(
            f"OpenVINO runs on a CPU, not on {device!r}: choose the engine torch, or auto"
        )
    if engine != "auto":
        return engine
    if device == "cpu" or (device == "auto" and not _has_gpu()):
        return "openvino" if find_spec("openvino") else "torch"
    return "torch"


def _has_gpu() -> bool:
    if not (NVIDIA.exists() and find_spec("torch")):
        return False
    import torch

    return torch.cuda.is_available()
