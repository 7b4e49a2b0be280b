"""Durations, rates and shares as an operator writes them: `30s`, `120/min`, `20%`.

Each is a string in the file and an exact value in the program, and is written back in the same
notation. A bare number is refused, because `every: 5` means seconds to one reader and minutes to
the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from sidecar.model.duration import format_duration, parse_duration, span

_RATE = re.compile(r"([0-9]{1,9})/([0-9]{0,14})(s|min|m|h|d)")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")

PERCENTAGE = "percentage"


@dataclass(frozen=True)
class Kind:
    """What an operator calls the type of a value, for the reference and the error messages."""

    name: str


@dataclass(frozen=True)
class Rate:
    """At most `requests` within any `window`."""

    requests: int
    window: timedelta

    @classmethod
    def parse(cls, text: object) -> Rate:
        """`120/min`, `2/s`, `6000/5min`. Raises ValueError."""
        if isinstance(text, cls):
            return text
        match = _RATE.fullmatch(text) if isinstance(text, str) else None
        if match is None or int(match[1]) == 0:
            raise ValueError("is no rate; write requests per window: 2/s, 120/min, 6000/5min")
        return cls(int(match[1]), span(match[2] or "1", match[3]))

    def __str__(self) -> str:
        window = re.sub("m$", "min", format_duration(self.window))
        return f"{self.requests}/{window.removeprefix('1') if window[1:].isalpha() else window}"


def parse_percent(text: object) -> Decimal:
    """`20%` as the fraction Decimal('0.2'). Raises ValueError outside 0 % … 100 %.

    A number is refused even as a Decimal: 0.2 may be meant as a fifth or as a fifth of a percent.
    """
    match = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if match is None or Decimal(match[1]) > 100:
        raise ValueError("is no percentage; write 0% … 100%, with the sign")
    return Decimal(match[1]) / 100


def format_percent(fraction: Decimal) -> str:
    return f"{(fraction * 100).normalize():f}%"


def _notation(parse: Callable[[object], Any], show: Callable[[Any], str], name: str) -> list[Any]:
    return [
        PlainValidator(parse),
        PlainSerializer(show, return_type=str),
        WithJsonSchema({"type": "string", "title": name}),
        Kind(name),
    ]


Duration = Annotated[timedelta, *_notation(parse_duration, format_duration, "duration")]
RequestRate = Annotated[Rate, *_notation(Rate.parse, str, "rate")]
Percent = Annotated[Decimal, *_notation(parse_percent, format_percent, PERCENTAGE)]
