"""How long an ERP asks us to wait, in whichever way it says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime

from adapters.language.numbers import BeyondMeasure, read_number

#: What is beyond it is not reckoned with any more (ten years, in seconds).
MOST = 10.0 * 366 * 24 * 3600
#: A number from here on is no wait but a moment, in seconds since 1970 (or a thousand times that).
_MOMENT, _IN_MILLISECONDS = Decimal(10**9), Decimal(10**11)
_LONGEST = 1_000


def wait_of(asked: object, now: Callable[[], float] = time.time) -> float | None:
    """Seconds, from 0 to `MOST`; None where nothing was said, or nothing that can be understood.

    Seconds with or without a fraction, a moment in seconds or milliseconds since 1970, an HTTP
    date, a time of ISO 8601 with its zone.  What is over is 0.
    """
    match asked:
        case bool() | None:
            return None
        case int() | Decimal():
            return _by_number(Decimal(asked), now)
        case datetime():
            return _until(asked, now)
        case str():
            return _by_text(asked.strip()[:_LONGEST], now)
    return None


def _by_text(text: str, now: Callable[[], float]) -> float | None:
    if text.isascii() and text.isdigit():
        # However many digits: it is a wait, and a long one.
        return MOST if len(text) > 20 else _by_number(Decimal(text), now)
    try:
        return _by_number(read_number(text), now)
    except BeyondMeasure:
        pass
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return _until(read(text), now)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _by_number(number: Decimal, now: Callable[[], float]) -> float | None:
    if number < 0:
        return None
    if number >= _MOMENT:
        seconds = number / 1000 if number >= _IN_MILLISECONDS else number
        return _bounded(float(min(seconds, Decimal(10) ** 15)) - now())
    return _bounded(float(number))


def _until(moment: datetime, now: Callable[[], float]) -> float:
    # An HTTP date is in GMT; some servers leave the zone out.
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _bounded(aware.timestamp() - now())


def _bounded(seconds: float) -> float:
    return min(max(0.0, seconds), MOST)
