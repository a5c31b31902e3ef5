"""Arithmetic on measurements: percentiles, medians, how time grows with size."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed; NaN for no values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """The middle value, the lower of two; NaN for no values."""
    return percentile(values, 0.5)


def exponent(sizes: Sequence[float], seconds: Sequence[float], floor: float = 0.05) -> float:
    """How time grows with size: the power `p` of `seconds ~ size**p`, over the last doublings.

    Times under `floor` seconds say more of the machine than of the work, so they count as `floor`. 1 is linear, 2 is
    quadratic; 0 where everything was quicker than the floor.
    """
    if len(sizes) < 2:
        return 0.0
    first = max(0, len(sizes) - 3)
    rise = max(seconds[-1], floor) / max(seconds[first], floor)
    return math.log(rise) / math.log(sizes[-1] / sizes[first])
