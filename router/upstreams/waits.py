"""How long an upstream asks to be left alone."""

import math

LONGEST = 86_400.0
"""Seconds: who says more than a day is mistaken, or means never."""


def seconds(text: str, *, unit: float = 1.0) -> float | None:
    """Read a number of seconds, or of `unit` seconds; `None` if it is no number, such as a date."""
    try:
        told = float(text) * unit
    except ValueError:
        return None
    return None if math.isnan(told) else min(max(0.0, told), LONGEST)
