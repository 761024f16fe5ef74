"""What a column of fp32 numbers can hold."""

import numpy as np

LARGEST = float(np.finfo(np.float32).max)


def finite(value: float | None) -> float | None:
    """`value`; None where it is not finite, or becomes infinite when it is stored as fp32."""
    return value if value is not None and abs(value) <= LARGEST else None  # NaN compares with nothing
