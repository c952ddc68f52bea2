"""A client's parameters, parsed: what a job is asked for, and the options that travel with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from model.card import Card
from model.charset import BadCharset, allowed_classes
from model.layout import BadLayout, Layout, layout_of
from worker.ledger.jobs import Options

from .parameters import JobParameters
from .problems import Problem


@dataclass(frozen=True)
class JobRequest:
    """What a client asks for: its parameters as `given` and as parsed, and the model that they name.

    What is derived from them is computed when first needed, and cached.
    """

    given: Sequence[tuple[str, str]]
    parameters: JobParameters
    card: Card

    @cached_property
    def options(self) -> Options:
        """The options that travel with the job. Raises `invalid-charset`, `invalid-parameter`."""
        parameters, layout = self.parameters, _layout(self.parameters)
        require_charset(parameters.charset, self.card.labels)
        return Options(
            model=self.card.name,
            charset=parameters.charset,
            top_k=parameters.top_k,
            normalize=parameters.normalize,
            keep_images=parameters.keep_images,
            layout=layout.kind,
            rows=layout.rows,
            columns=layout.columns,
        )

    @cached_property
    def text(self) -> bytes:
        """All parameters, for fingerprints, which do not depend on the order of metadata."""
        metadata = dict(sorted(self.parameters.metadata.items()))
        return self.parameters.model_copy(update={"metadata": metadata}).model_dump_json().encode()


def require_charset(charset: str | None, labels: str) -> None:
    """Raise `invalid-charset` if a network with these labels cannot read `charset`."""
    try:
        if charset is not None:
            allowed_classes(charset, labels)
    except BadCharset as error:
        raise Problem("invalid-charset", f"{error}.") from error


def _layout(parameters: JobParameters) -> Layout:
    """The layout; its parts may come from both query and form. Raises `invalid-parameter`."""
    try:
        layout = layout_of(parameters.layout, parameters.rows, parameters.columns)
    except BadLayout as error:
        raise Problem("invalid-parameter", f"{error}.") from error
    if parameters.normalize == "none" and layout.kind != "character":
        detail = f"normalize: it must be auto for a {layout.kind}, whose characters are cut out."
        raise Problem("invalid-parameter", detail)
    return layout
