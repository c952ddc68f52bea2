"""Data that hypothesis makes up, for more than one module of tests."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

ANY_GREY = arrays.arrays(
    np.uint8,
    arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=70),
    elements=st.integers(0, 255) | st.sampled_from([0, 255]),
)
"""Small pictures, in which black and white pixels are more frequent than by chance."""
