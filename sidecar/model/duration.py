"""A duration as a person writes it: `30s`, `48h`.

A bare number is refused, because `every: 5` means seconds to one reader and minutes to the next.
"""

from __future__ import annotations

import re
from datetime import timedelta

# From large to small: a duration is written in the largest unit that divides it.
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_LONGEST = timedelta(days=36_500)

_DURATION = re.compile(r"([0-9]{1,14})(ms|min|s|m|h|d)")


def span(count: str, unit: str) -> timedelta:
    """So many of a unit (ms, s, m, min, h, d).  Raises ValueError, also for zero."""
    unit_length = _UNITS["m" if unit == "min" else unit]
    number = int(count)
    # Compared as whole numbers, since a timedelta that is too long overflows before it compares.
    if not 0 < number <= _LONGEST // unit_length:
        raise ValueError(f"{number}{unit} is outside 1ms … {_LONGEST.days}d")
    return number * unit_length


def parse_duration(text: object) -> timedelta:
    """`250ms`, `5s`, `30m`, `48h`, `400d` as a timedelta. Raises ValueError, also for zero."""
    if isinstance(text, timedelta):
        return text
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("is no duration; write a whole number and a unit: 250ms, 5s, 30m, 48h, 7d")
    return span(match[1], match[2])


def format_duration(duration: timedelta) -> str:
    """The shortest notation that `parse_duration` reads back: 90 minutes are `90m`, 48 h `2d`."""
    unit = next(unit for unit, length in _UNITS.items() if duration % length == timedelta(0))
    return f"{duration // _UNITS[unit]}{unit}"
