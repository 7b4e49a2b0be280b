"""Filters for OData: literals in an address, the days and moments of OData 2, its amounts in texts.

OData 2 writes a day and a moment as `/Date(1764547200000)/`, milliseconds since 1970, and every
decimal as a text.  OData 4 writes both as everybody does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from adapters.language.filters import (
    ExpressionError,
    Missing,
    as_number,
    as_text,
    as_utc,
    kind,
    number_of,
    time_zone,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
#: The offset says where the clock hangs; the milliseconds are those of UTC all the same.
_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{1,4})?\)/")


def odata_text(value: Any) -> str:
    """A literal of a filter or a key, with its quotes; those within are doubled."""
    doubled = as_text(value).replace("'", "''")
    return f"'{doubled}'"


def odata_date(value: Any, timezone: str | tzinfo = UTC) -> str:
    """The day of a time, as OData 2 writes it."""
    day = _moment(value, "odata_date").astimezone(time_zone(timezone))
    return _written(day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC))


def odata_datetime(value: Any) -> str:
    """The moment of a time, as OData 2 writes it."""
    return _written(_moment(value, "odata_datetime"))


def from_odata_date(value: Any) -> datetime:
    """The time that a text of OData 2 is; one of ISO 8601 is read as well, as OData 4 has it."""
    if not isinstance(value, str):
        raise ExpressionError(f"from_odata_date: {kind(value)} is not a text")
    try:
        if match := _DATE.fullmatch(value.strip()):
            return _EPOCH + int(match[1]) * _MILLISECOND
        moment = datetime.fromisoformat(value.strip())
    except (ValueError, OverflowError):
        raise ExpressionError("from_odata_date: a text is no date of OData") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def odata_sum(value: Any, field: str, **where: Any) -> Decimal:
    """The sum of a field over a list, whose amounts are texts in OData 2; none counts nothing.

    Over those entries alone whose fields are as `where` has them.
    """
    if not isinstance(value, list | tuple):
        raise ExpressionError(f"odata_sum: {kind(value)} is not a list")
    counted = (entry for entry in value if _is_as(entry, where))
    return Decimal(as_number(sum((_amount(entry, field) for entry in counted), Decimal(0))))


def _is_as(entry: Any, where: Mapping[str, Any]) -> bool:
    return all(_member(entry, name) == wanted for name, wanted in where.items())


def _member(entry: Any, name: str) -> Any:
    if not isinstance(entry, Mapping) or name not in entry:
        raise Missing(f"odata_sum: an entry has no '{name}'")
    return entry[name]


def _amount(entry: Any, field: str) -> Decimal:
    amount = _member(entry, field)
    if amount is None:
        return Decimal(0)
    return number_of(amount) if isinstance(amount, str) else Decimal(as_number(amount))


def _moment(value: Any, name: str) -> datetime:
    if not isinstance(value, datetime):
        raise ExpressionError(f"{name}: {kind(value)} is not a time")
    return as_utc(value)


def _written(moment: datetime) -> str:
    return f"/Date({(moment - _EPOCH) // _MILLISECOND})/"


ODATA_FILTERS: Mapping[str, Callable[..., Any]] = {
    "from_odata_date": from_odata_date,
    "odata_date": odata_date,
    "odata_datetime": odata_datetime,
    "odata_sum": odata_sum,
    "odata_text": odata_text,
}
