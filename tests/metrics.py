"""The figures that a gateway shows to Prometheus."""

import httpx


def figures(http: httpx.Client) -> dict[str, float]:
    """The value of every sample, by its name and labels as they are written."""
    lines = http.get("/metrics").text.splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}
