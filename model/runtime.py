"""OpenVINO's runtime alone, for who builds and runs networks with it.

Importing `openvino` as it is also loads its converter of other frameworks' models, which takes as long
as all the rest and tells its makers over the network that it was imported.
"""

import sys

sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]  # not to be found

import openvino as ov  # noqa: E402
from openvino import opset13 as op  # noqa: E402

__all__ = ["op", "ov"]
