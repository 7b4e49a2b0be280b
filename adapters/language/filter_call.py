"""The call of a filter within an expression: what it does, and constants that it cannot take."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.language.filter_shapes import shape_after
from adapters.language.filters import FILTERS, MOST_TEXT, ExpressionError, Missing
from adapters.language.hidden import Hidden, is_hidden
from adapters.language.odata import ODATA_FILTERS
from adapters.language.scope import Evaluate, Typed, Values
from adapters.language.shape import ANYTHING, Many, either, entry, present

#: All that there are.
FILTERS_BY_NAME: Mapping[str, Callable[..., Any]] = {**FILTERS, **ODATA_FILTERS}


def applied(
    name: str, value: Typed, arguments: list[Typed], keywords: Mapping[str, Typed]
) -> Typed:
    """The value after the filter; none stays none, and what is hidden stays hidden."""
    function, read = FILTERS_BY_NAME[name], value.evaluate
    further = tuple(argument.evaluate for argument in arguments)
    named = {key: keyword.evaluate for key, keyword in keywords.items()}

    def call(values: Values) -> Any:
        subject = read(values)
        if subject is None:
            return None
        extra = {key: typed(values) for key, typed in named.items()}
        given = [subject, *(typed(values) for typed in further)]
        result = function(*given, **extra)
        if isinstance(result, str):
            if len(result) > MOST_TEXT:
                raise ExpressionError(f"{name}: a text of more than {MOST_TEXT:,} characters")
            if any(map(is_hidden, given)):
                return Hidden()
        return result

    if name in ("first", "last"):
        return Typed(call, entry(value.shape) if isinstance(value.shape, Many) else ANYTHING)
    constants = [typed.constant for typed in (*arguments, *keywords.values())]
    return Typed(call, shape_after(name, value.shape, constants))


#: Why what addresses something is not joined of parts that are none.
ELSEWHERE = "joined, the rest would address something else"


def whole_list(read: Evaluate) -> Evaluate:
    """The list, none of whose entries may be none."""

    def whole(values: Values) -> Any:
        entries = read(values)
        if isinstance(entries, list | tuple) and None in entries:
            raise ExpressionError(f"join: an entry is none: {ELSEWHERE}")
        return entries

    return whole


#: On these a filter is tried with its constants, so that a wrong one is told when the file is read.
_MOMENT = datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC)
_SAMPLES: Mapping[str, object] = {
    "add_days": _MOMENT,
    "date": _MOMENT,
    "epoch": _MOMENT,
    "fixed": Decimal("1.5"),
    "hash": "text",
    "hmac": "text",
    "odata_date": _MOMENT,
    "split": "text",
}
#: What stands for an argument that is not known yet.
_STAND_INS: Mapping[str, Mapping[str, object]] = {
    "add_days": {"days": 0},
    "date": {"format": "%F"},
    "fixed": {"places": 0},
    "hmac": {"key": "key"},
    "split": {"separator": ","},
}


def refused_constants(name: str, arguments: Sequence[Typed], keywords: Mapping[str, Typed]) -> str:
    """Why a filter can do nothing with the constants that it is given; empty where it can."""
    if name not in _SAMPLES:
        return ""
    given = {
        key: keyword.constant for key, keyword in keywords.items() if keyword.constant is not None
    }
    parameters = list(inspect.signature(FILTERS_BY_NAME[name]).parameters)[1:]
    for parameter, argument in zip(parameters, arguments, strict=False):
        if argument.constant is not None:
            given[parameter] = argument.constant
    try:
        FILTERS_BY_NAME[name](_SAMPLES[name], **{**_STAND_INS.get(name, {}), **given})
    except ExpressionError as error:
        return error.message
    return ""


def defaulted(value: Typed, default: Typed) -> Typed:
    """The value, or the default where it is none or missing."""

    def either_of(values: Values) -> Any:
        try:
            computed_value = value.evaluate(values)
        except Missing:
            computed_value = None
        return default.evaluate(values) if computed_value is None else computed_value

    return Typed(either_of, either((present(value.shape), default.shape)))
