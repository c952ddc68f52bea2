"""What a client asked for becomes what travels with its job, once all of it is known and consistent."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from model.card import Card
from model.charset import BadCharset, allowed_classes
from model.layout import MOST_CHARACTERS
from worker.jobs import Options

from .parameters import JobParameters
from .problems import Problem


@dataclass(frozen=True)
class Wish:
    """What a client asks for, as it was `given` and as it is understood, and the model it is for.

    What else follows from it is worked out when it is needed, and only once.
    """

    given: Sequence[tuple[str, str]]
    parameters: JobParameters
    card: Card

    @cached_property
    def options(self) -> Options:
        """See job_options."""
        return job_options(self.parameters, self.card)

    @cached_property
    def text(self) -> bytes:
        """All of it, for fingerprints, in which the order of metadata says nothing."""
        metadata = dict(sorted(self.parameters.metadata.items()))
        return self.parameters.model_copy(update={"metadata": metadata}).model_dump_json().encode()


def job_options(parameters: JobParameters, card: Card) -> Options:
    """The options that travel with the job. Raises `invalid-charset`, `invalid-parameter`."""
    _require_agreement(parameters)
    require_charset(parameters.charset, card.labels)
    return Options(
        model=card.name,
        charset=parameters.charset,
        top_k=parameters.top_k,
        normalize=parameters.normalize,
        keep_images=parameters.keep_images,
        layout=parameters.layout,
        rows=parameters.rows or 0,
        columns=parameters.columns or 0,
    )


def require_charset(charset: str | None, labels: str) -> None:
    """Raises `invalid-charset` if a network with these labels cannot read it."""
    try:
        if charset is not None:
            allowed_classes(charset, labels)
    except BadCharset as error:
        raise Problem("invalid-charset", f"{error}.") from error


def _require_agreement(parameters: JobParameters) -> None:
    """Check what may come partly in the query and partly in a form. Raises `invalid-parameter`."""
    layout = parameters.layout
    if (parameters.rows is None) != (parameters.columns is None):
        raise Problem("invalid-parameter", "rows, columns: send both, or neither.")
    if (parameters.rows or 0) * (parameters.columns or 0) > (most := MOST_CHARACTERS["grid"]):
        raise Problem("invalid-parameter", f"rows, columns: at most {most} cells in all.")
    if parameters.rows is not None and layout != "grid":
        raise Problem("invalid-parameter", f"rows, columns: only for layout=grid, not for {layout}.")
    if parameters.normalize == "none" and layout != "character":
        detail = f"normalize: characters of a {layout} are cut out only with auto."
        raise Problem("invalid-parameter", detail)
