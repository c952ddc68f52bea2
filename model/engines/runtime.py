"""OpenVINO's runtime alone.

A plain `import openvino` also loads its converter for other frameworks' models, which takes as long as
all the rest and tells its makers over the network that it was imported.
"""

import sys

sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]  # as if not installed

import openvino as ov  # noqa: E402
from openvino import opset13 as op  # noqa: E402

__all__ = ["op", "ov"]
