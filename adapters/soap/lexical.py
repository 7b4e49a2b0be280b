"""One value of an answer: the text of an element or attribute, read by its type of XML Schema.

What its type does not allow is not read as none, zero or false: the answer is not believed then.
What only looks otherwise and can mean one thing alone is read (`True`, a word in other letters, a
date with its midnight).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from adapters.contract.field import Field

#: White space as XML has it; a no-break space is a letter.
BLANKS = " \t\r\n"
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_INTEGER = re.compile(r"[+-]?[0-9]{1,100}(\.0{1,30})?")
_NUMBER = re.compile(r"[+-]?([0-9]{1,100}(\.[0-9]{0,100})?|\.[0-9]{1,100})([eE][+-]?[0-9]{1,2})?")
_NO_NUMBER = frozenset({"INF", "-INF", "+INF", "NaN"})
_ZONE = r"(Z|[+-][0-9]{2}:[0-9]{2})?"
_DATE = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(T00:00:00(\.0+)?)?{_ZONE}")
_TIME = re.compile(rf"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?{_ZONE}")
_MOMENT = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})[T ]([0-9:]{{8}})(\.[0-9]{{1,20}})?{_ZONE}"
)
_DURATION = re.compile(r"-?P(?=.)([0-9]+Y)?([0-9]+M)?([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9.]+S)?)?")
#: MySQL's "no date", which ERPs written in PHP pass on.
_NO_DATE = re.compile(r"0000-00-00([T ]00:00:00)?Z?")


class Unfit(ValueError):
    """The text is none of its type; says what was wanted and quotes nothing."""


def read_text(field: Field, text: str | None) -> Any:
    """The plain value; None for an empty one.  Raises Unfit.

    Blanks around a value are no part of it: a document that is indented has them, and so have
    numbers out of a column of fixed width.
    """
    word = (text or "").strip(BLANKS)
    if not word:
        return None
    if field.choices:
        word = _word(field.choices, word)
    return _READERS.get(field.base, _as_it_is)(word)


def _word(choices: tuple[str, ...], text: str) -> str:
    """The word of the enumeration; in other letters only where no two differ by that alone."""
    if text in choices:
        return text
    alike = [choice for choice in choices if choice.strip(BLANKS).casefold() == text.casefold()]
    if len(alike) != 1:
        raise Unfit("one of the words of its type is wanted")
    return alike[0]


def _as_it_is(text: str) -> str:
    return text


def _words(text: str) -> list[str]:
    return text.split()


def _truth(text: str) -> bool:
    truth = _TRUTH.get(text.lower())
    if truth is None:
        raise Unfit("true or false is wanted")
    return truth


def _whole(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise Unfit("a whole number is wanted")
    return int(text.partition(".")[0])


def _decimal(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise Unfit("a number is wanted")
    return Decimal(text)


def _float(text: str) -> Decimal | str:
    return text if text in _NO_NUMBER else _decimal(text)


def _date(text: str) -> str | None:
    if _NO_DATE.fullmatch(text):
        return None
    match = _DATE.fullmatch(text)
    try:
        return date.fromisoformat(match[1] if match else "").isoformat()
    except ValueError:
        raise Unfit("a date is wanted") from None


def _moment(text: str) -> datetime | None:
    if _NO_DATE.fullmatch(text):
        return None
    match = _MOMENT.fullmatch(text)
    try:
        # .NET writes seven digits of a second, Python reads six.
        return datetime.fromisoformat("{}T{}{:.7}{}".format(*match.groups("")) if match else "")
    except ValueError:
        raise Unfit("a date with a time is wanted") from None


def _formed(form: re.Pattern[str], wanted: str) -> Callable[[str], str]:
    def formed(text: str) -> str:
        if not form.fullmatch(text):
            raise Unfit(f"{wanted} is wanted")
        return text

    return formed


_WHOLE = (
    "byte", "short", "int", "long", "integer", "unsignedByte", "unsignedShort", "unsignedInt",
    "unsignedLong", "positiveInteger", "nonNegativeInteger", "negativeInteger",
    "nonPositiveInteger",
)  # fmt: skip
_READERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(_WHOLE, _whole),
    "boolean": _truth,
    "date": _date,
    "dateTime": _moment,
    "decimal": _decimal,
    "double": _float,
    "duration": _formed(_DURATION, "a duration"),
    "float": _float,
    "list": _words,
    "time": _formed(_TIME, "a time of day"),
}
