"""The filters of the expressions: a closed list of pure functions (docs/mapping.md).

A value that is empty (none) passes through a filter unchanged, so that an optional field stays
empty in the ERP's document instead of parking the order; only `default`, `lookup` and text
joining treat it otherwise.  No filter ever yields a float.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.language.dates import UnknownDirective, seconds_since_1970, written
from adapters.language.numbers import (
    BeyondMeasure,
    absolute,
    bounded,
    bounded_int,
    read_number,
    with_decimals,
)
from sidecar.model.errors import BadData
from sidecar.model.money import rounded

#: Characters of a text that is made of others.
MOST_TEXT = 1_000_000
#: Parts of a text that is split.
MOST_PARTS = 100_000


class ExpressionError(BadData):
    """An expression could not be evaluated.  Never quotes the value: it may be personal."""


class Missing(ExpressionError):
    """A name, field, key or entry that is not there."""


def kind(value: object) -> str:
    """What a person calls such a value."""
    match value:
        case None:
            return "none"
        case bool():
            return "a truth value"
        case int() | Decimal():
            return "a number"
        case str():
            return "a text"
        case datetime():
            return "a time"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"


def is_number(value: object) -> bool:
    """Decimal or whole number; a truth value is none, though Python counts it as one."""
    return type(value) is Decimal or type(value) is int


def plain(amount: Decimal) -> str:
    """An amount as a person writes it: 70.7800 is 70.78, 15.0000 is 15, never an exponent.

    Raises ExpressionError for what has no such form, or one of too many digits.
    """
    text = f"{_measured(amount):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def as_text(value: object) -> str:
    """One value as text, as it appears in an address, a header or a joined text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, int):
        return str(_measured(value))
    if isinstance(value, datetime):
        return as_utc(value).isoformat().replace("+00:00", "Z")
    raise ExpressionError(f"{kind(value)} cannot be written as text")


_TOO_LONG = f"a text of more than {MOST_TEXT:,} characters"


def joined_text(texts: Iterable[str], separator: str = "") -> str:
    """The texts in one.  Raises ExpressionError for one that would be too long."""
    parts = list(texts)
    if sum(map(len, parts)) + len(separator) * len(parts) > MOST_TEXT:
        raise ExpressionError(_TOO_LONG)
    return separator.join(parts)


def as_utc(value: datetime) -> datetime:
    """The same moment in UTC; a time without a zone is refused, it would be a guess."""
    if value.tzinfo is None:
        raise ExpressionError("a time without a time zone")
    return value.astimezone(UTC)


def _abs(value: Any) -> Any:
    return absolute(as_number(value))


def _add_days(value: Any, days: int, timezone: str | tzinfo = UTC) -> datetime:
    """The same time of the clock in that zone, whole days later or earlier."""
    moment, further = _moment(value, "add_days"), _whole(days, "add_days")
    try:
        return as_utc(moment.astimezone(time_zone(timezone)) + timedelta(days=further))
    except OverflowError:
        raise ExpressionError("add_days: that is beyond all years") from None


def _date(value: Any, format: str, timezone: str | tzinfo = UTC) -> str:
    moment = _moment(value, "date")
    try:
        return written(moment.astimezone(time_zone(timezone)), as_text(format))
    except (UnknownDirective, OverflowError) as error:
        raise ExpressionError(f"date: {error}") from None


def _decimal(value: Any) -> Decimal:
    if not isinstance(value, str):
        return Decimal(as_number(value))
    return number_of(value)


def _epoch(value: Any, unit: str = "s") -> int:
    """Since 1970, what is less than one of the unit cut off."""
    moment = _moment(value, "epoch")
    match unit:
        case "s":
            return seconds_since_1970(moment)
        case "ms":
            return seconds_since_1970(moment) * 1000 + moment.microsecond // 1000
    raise ExpressionError(f"epoch: there is no unit '{unit}'; there are s and ms")


def _fixed(value: Any, places: int) -> str:
    try:
        return with_decimals(as_number(value), _whole(places, "fixed"))
    except BeyondMeasure as error:
        raise ExpressionError(f"fixed: a number {error}") from None


def _base64(value: Any) -> str:
    return base64.b64encode(as_text(value).encode()).decode()


def _hash(value: Any, algorithm: str = "sha256", encoding: str = "hex") -> str:
    digest = hashlib.new(_algorithm(algorithm), as_text(value).encode(), usedforsecurity=False)
    return _encoded(digest.digest(), encoding)


def _hmac(value: Any, key: Any, algorithm: str = "sha256", encoding: str = "base64") -> str:
    signed = hmac.digest(as_text(key).encode(), as_text(value).encode(), _algorithm(algorithm))
    return _encoded(signed, encoding)


def _algorithm(name: str) -> str:
    if name not in _ALGORITHMS:
        raise ExpressionError(f"there is no algorithm '{name}'; there are {', '.join(_ALGORITHMS)}")
    return name


def _encoded(digest: bytes, encoding: str) -> str:
    match encoding:
        case "base64":
            return base64.b64encode(digest).decode()
        case "hex":
            return digest.hex()
    raise ExpressionError(f"there is no encoding '{encoding}'; there are base64 and hex")


def _int(value: Any) -> int:
    number = _decimal(value)
    if number != number.to_integral_value():
        raise ExpressionError("int: the number has decimals; round it first")
    return int(number)


def _first(value: Any) -> Any:
    entries = _entries(value, "first")
    if not entries:
        raise Missing("first: the list is empty")
    return entries[0]


def _last(value: Any) -> Any:
    entries = _entries(value, "last")
    if not entries:
        raise Missing("last: the list is empty")
    return entries[-1]


def _join(value: Any, separator: str = "") -> str:
    entries = _entries(value, "join")
    return joined_text(
        (as_text(entry) for entry in entries if entry is not None), as_text(separator)
    )


def _length(value: Any) -> int:
    if not isinstance(value, str | Sequence | Mapping):
        raise ExpressionError(f"length: {kind(value)} has no length")
    return len(value)


def _lower(value: Any) -> str:
    return as_text(value).lower()


def _replace(value: Any, old: str, new: str) -> str:
    text = as_text(value)
    # Told before it is made: each replacement may grow the text a thousandfold.
    if len(text) + text.count(old) * (len(new) - len(old)) > MOST_TEXT:
        raise ExpressionError(_TOO_LONG)
    return text.replace(old, new)


def _round(value: Any, places: int = 0) -> Decimal:
    return rounded(Decimal(as_number(value)), places)


def _split(value: Any, separator: str) -> list[str]:
    text, between = as_text(value), as_text(separator)
    if not between:
        raise ExpressionError("split: the separator is empty")
    if text.count(between) >= MOST_PARTS:
        raise ExpressionError(f"split: more than {MOST_PARTS:,} parts")
    return text.split(between)


def _trim(value: Any) -> str:
    return as_text(value).strip()


def _truncate(value: Any, length: int) -> str:
    return as_text(value)[:length]


def _upper(value: Any) -> str:
    return as_text(value).upper()


def _urlencode(value: Any) -> str:
    return quote(as_text(value), safe="")


#: md5 and sha1 because ERPs of their time ask for them.
_ALGORITHMS = ("sha256", "sha384", "sha512", "sha1", "md5")

#: Filters that are a function of the value and constants.  `default`, `lookup`, `map` and `sum`
#: need more than that and live in `adapters.language.compiler`.
FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": _abs,
    "add_days": _add_days,
    "base64": _base64,
    "date": _date,
    "decimal": _decimal,
    "epoch": _epoch,
    "first": _first,
    "fixed": _fixed,
    "hash": _hash,
    "hmac": _hmac,
    "int": _int,
    "join": _join,
    "last": _last,
    "length": _length,
    "lower": _lower,
    "replace": _replace,
    "round": _round,
    "split": _split,
    "string": as_text,
    "trim": _trim,
    "truncate": _truncate,
    "upper": _upper,
    "urlencode": _urlencode,
}

#: `x is …`; `defined` is the compiler's own, it must catch what is missing.
TESTS: Mapping[str, Callable[[Any], bool]] = {
    "mapping": lambda value: isinstance(value, Mapping),
    "none": lambda value: value is None,
    "number": is_number,
    "sequence": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
}


def total(values: Iterable[Any]) -> Decimal:
    """The sum; an empty value counts as nothing."""
    amount = sum((Decimal(as_number(value)) for value in values if value is not None), Decimal(0))
    return Decimal(as_number(amount))


def as_number(value: Any) -> Any:
    """The value itself.  Raises ExpressionError for what is no number, or beyond all measure."""
    if not is_number(value):
        hint = "; texts are joined with ~" if isinstance(value, str) else ""
        raise ExpressionError(f"{kind(value)} is not a number{hint}")
    return _measured(value)


def truth(value: Any, told: str) -> bool:
    """Whether what an ERP answered means yes.

    Raises ExpressionError for a text: "false", "N" and "0" are true to Python, and an ERP that
    sends them says no.  As well for a mapping and a list: a truth value that became `{}` or `[]`
    with an upgrade says nothing any more.
    """
    if isinstance(value, str):
        raise ExpressionError(f"{told} is a text, not true or false; compare it")
    return bool(single(value, told))


def single(value: Any, told: str) -> Any:
    """The value itself.  Raises ExpressionError for what has parts: it is neither yes nor no."""
    if isinstance(value, Mapping | list | tuple):
        raise ExpressionError(f"{told} is {kind(value)}, not true or false; ask for its length")
    return value


def denied(value: Any, told: str) -> bool:
    """Whether what an ERP answered means no; nothing at all is not "no" either.

    Raises ExpressionError for a text, a mapping, a list and none.
    """
    if value is None:
        raise ExpressionError(f"{told} is none, neither true nor false; ask for 'is none'")
    return not truth(value, told)


def number_of(text: str) -> Decimal:
    """The number that a text is.  Raises ExpressionError."""
    try:
        return read_number(text)
    except BeyondMeasure as error:
        raise ExpressionError(f"a text {error}") from None


def _measured(number: Any) -> Any:
    try:
        return bounded_int(number) if isinstance(number, int) else bounded(number)
    except BeyondMeasure as error:
        raise ExpressionError(f"this {error}") from None


def _moment(value: Any, name: str) -> datetime:
    if not isinstance(value, datetime):
        raise ExpressionError(f"{name}: {kind(value)} is not a time")
    return as_utc(value)


def _whole(value: Any, name: str) -> int:
    """An argument that is a whole number, however it was computed."""
    number = as_number(value)
    if number != int(number):
        raise ExpressionError(f"{name}: it takes a whole number")
    return int(number)


def _entries(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise ExpressionError(f"{name}: {kind(value)} is not a list")
    return value


@functools.cache
def time_zone(name: str | tzinfo) -> tzinfo:
    """The time zone of that name.  Raises ExpressionError."""
    if isinstance(name, tzinfo):
        return name
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ExpressionError(f"there is no time zone '{name}'") from None
