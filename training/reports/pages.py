"""The templates of pages: those of this package, which others may include, and those of the caller's."""

from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape

from ..tables import percent, short


def templates(*packages: str) -> Environment:
    """The templates of `packages` and of this one, with filters that write shares and numbers."""
    loaders = [PackageLoader(package) for package in (*packages, "training.reports")]
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "short": short}
    return environment
