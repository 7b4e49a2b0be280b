"""Amounts and quantities on their way to Magento: decimals, never floats."""

from __future__ import annotations

from decimal import Decimal

from sidecar.model.errors import BadData


def exact(value: Decimal, what: str, *, least: Decimal | None = None) -> Decimal:
    """The value, where it is a finite decimal and not below `least`.  Raises BadData.

    A float would carry its binary rounding into the shop's books, and NaN has no form in JSON.
    """
    if not isinstance(value, Decimal) or not value.is_finite():
        raise BadData(f"{what} is {value!r}, which is no decimal number")
    if least is not None and value < least:
        raise BadData(f"{what} is {value}, which is less than {least}")
    return value
