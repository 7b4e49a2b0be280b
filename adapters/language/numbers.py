"""Numbers that come from outside or are computed: finite, and never of more than so many digits.

`1e9999999` is nine characters for the sender and ten million digits for who writes it out, so a
number is measured where it enters and where it is computed, before anything is made of it.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Context, Decimal

#: Digits before and behind the point together, written without an exponent.
MOST_DIGITS = 100

_LARGEST_INT = 10**MOST_DIGITS
_EXACT = Context(prec=2 * MOST_DIGITS + 1, rounding=ROUND_HALF_UP)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,9})?")


class BeyondMeasure(ValueError):
    """No number, or one of more digits than `MOST_DIGITS`; the text does not quote it."""


def bounded(number: Decimal) -> Decimal:
    """The number itself.  Raises BeyondMeasure."""
    if not number.is_finite():
        raise BeyondMeasure("is not a number")
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or max(len(digits) + exponent, 0) + max(-exponent, 0) > (
        MOST_DIGITS
    ):
        raise BeyondMeasure("is a number beyond all measure")
    return number


def bounded_int(number: int) -> int:
    """The number itself.  Raises BeyondMeasure."""
    if not -_LARGEST_INT < number < _LARGEST_INT:
        raise BeyondMeasure("is a number beyond all measure")
    return number


def read_number(literal: str) -> Decimal:
    """A number out of its text, blanks around it allowed.  Raises BeyondMeasure."""
    text = literal.strip()
    # Measured first: to read a million digits takes long already.  A sign, a point, an exponent.
    if len(text) > MOST_DIGITS + 13:
        raise BeyondMeasure("is a number beyond all measure")
    # Python would take 1_000 and the digits of all alphabets, too.
    if not _NUMBER.fullmatch(text):
        raise BeyondMeasure("is not a number")
    return bounded(Decimal(text))


def negated(number: Decimal | int) -> Decimal | int:
    """Minus the number, all digits kept: the operator would round it to the context's."""
    return number.copy_negate() if isinstance(number, Decimal) else -number


def absolute(number: Decimal | int) -> Decimal | int:
    """The number without its sign, all digits kept."""
    return number.copy_abs() if isinstance(number, Decimal) else abs(number)


def with_decimals(number: Decimal | int, places: int) -> str:
    """The number with exactly so many decimals, rounded half up: 1.5 is 1.500, -0.001 is 0.00.

    Raises BeyondMeasure for other than 0 to `MOST_DIGITS` decimals.
    """
    if not 0 <= places <= MOST_DIGITS:
        raise BeyondMeasure(f"has from 0 to {MOST_DIGITS} decimals, not {places}")
    exact = Decimal(number).quantize(Decimal(1).scaleb(-places), context=_EXACT)
    return f"{abs(exact) if exact.is_zero() else exact:f}"
