"""The networks that a worker serves: which they are, and each of them opened and warm."""

from collections.abc import Callable
from functools import cache, partial

from model.engines.opening import open_predictor
from model.engines.predictor import Predictor
from model.screen import open_screen, screen_of

from ..settings import WorkerSettings
from .isolated_pass import run_isolated
from .preparation import Decode
from .reading import Reader


def open_readers(
    settings: WorkerSettings, decode: Decode, touch: Callable[[], None]
) -> dict[str, Reader]:
    """A reader for each model (see Reader), with the network's own screen or one that several share. The
    first is warmed up, the others by their first use. Raises what loading raises."""
    shared = cache(partial(open_screen, settings.device, settings.threads))
    networks = {name: open_network(name, settings) for name in settings.served_models()}
    screens = {name: screen_of(each, shared) for name, each in networks.items()}

    def reader(name: str) -> Reader:
        screen = screens[name].flags
        return Reader(networks[name], decode, partial(run_isolated, name), screen, touch)

    first = next(iter(networks))
    networks[first].warm_up()
    screens[first].warm_up()
    return {name: reader(name) for name in networks}


def open_network(name: str, wanted: WorkerSettings) -> Predictor:
    """The network `name`, as the settings want it. Raises what loading networks raises."""
    return open_predictor(
        name,
        device=wanted.device,
        engine=wanted.engine,
        precision=wanted.precision,
        threads=wanted.threads,
    )
