"""A forward pass for a suspected image alone, in a process of its own, which dies or answers.

Workers also die of other causes, so an image that was in hand may be innocent. Before it is given up, it
is read once more by `python -m worker.engine.isolated_pass MODEL`, glyphs on stdin, outputs on stdout.
"""

import logging
import subprocess
import sys

import numpy as np

from model.engines.predictor import Floats, Images

from ..settings import WorkerSettings

log = logging.getLogger(__name__)

PROGRAMME = [sys.executable, "-P", "-m", "worker.engine.isolated_pass"]
READY = b"ready"
PASS_S = 30.0
"""Enough to load the network and read the glyphs of a full pass on a busy machine."""


def run_isolated(model: str, glyphs: Images) -> Floats | None:
    """The outputs (see Predictor) of glyphs (n, 28, 28), n > 0; None if reading them kills the process
    or hangs it. Raises OSError if it never gets to reading them, which is no fault of theirs."""
    try:
        done = subprocess.run(
            [*PROGRAMME, model],
            input=glyphs.tobytes(),
            stdout=subprocess.PIPE,
            timeout=PASS_S,
            check=False,
        )
        stdout, code = done.stdout, done.returncode
    except subprocess.TimeoutExpired as error:
        stdout, code = error.stdout or b"", -1
    if not stdout.startswith(READY):
        raise OSError(f"the process that was to try an image did not start: exit code {code}")
    log.warning("an image was tried, exit code %d", code, extra={"event": "image.tried"})
    outputs = np.frombuffer(stdout[len(READY) :], np.float32)
    return outputs.reshape(len(glyphs), -1) if code == 0 and len(outputs) else None


def main() -> None:
    """Read the glyphs on stdin. Whatever goes wrong ends this process, and no worker."""
    from .networks import open_network

    predictor = open_network(sys.argv[1], WorkerSettings())
    out = sys.stdout.buffer
    out.write(READY)
    out.flush()
    glyphs = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(-1, 28, 28)
    out.write(predictor.outputs(glyphs).astype(np.float32).tobytes())


if __name__ == "__main__":
    main()
