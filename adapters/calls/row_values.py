"""The values of a row that the ERP tells of, read strictly into the types of its struct.

An amount never passes through a float, and no word is taken for a truth value: a row that is read
wrongly changes the shop, and nobody would know of it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from adapters.calls.fields import exact_amount, whole_number
from adapters.language.filters import ExpressionError, as_text, is_number, kind

#: (what the file made of the row, where it stands in it, the shop's time zone) → the field's value.
ReadValue = Callable[[Any, str, tzinfo], Any]

Read = TypeVar("Read")


def value_reader(annotation: Any) -> ReadValue:
    """What reads a value of that type; it raises ExpressionError, which quotes no value.

    Raises TypeError for a type that no row may have: whoever wrote the domain has to change it.
    """
    if (wanted := bare(annotation)) is not annotation:
        return _optional(wanted) if is_optional(annotation) else value_reader(wanted)
    if typing.get_origin(annotation) is tuple:
        return _list(typing.get_args(annotation)[0])
    if is_struct(annotation):
        return _struct(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return _one_of(typing.get_args(annotation))
    if annotation not in _PLAIN:
        raise TypeError(f"a row of the ERP's news has no field of the type {annotation}")
    return _PLAIN[annotation]


def bare(annotation: Any) -> Any:
    """The type without its notes, and without none and unset beside it."""
    if typing.get_origin(annotation) is typing.Annotated:
        return bare(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        kinds = [one for one in typing.get_args(annotation) if one not in _ABSENT]
        return bare(kinds[0]) if len(kinds) == 1 else annotation
    return annotation


def is_optional(annotation: Any) -> bool:
    """Whether it may be none."""
    return types.NoneType in typing.get_args(annotation)


def is_struct(annotation: Any) -> bool:
    """Whether it is a record of named fields."""
    return isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)


def field_types(struct: type[msgspec.Struct]) -> Mapping[str, Any]:
    """Field → type."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return {name: hints[name] for name in struct.__struct_fields__}


def required_fields(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """Fields that have no default."""
    return tuple(field.name for field in msgspec.structs.fields(struct) if field.required)


_ABSENT = (types.NoneType, msgspec.UnsetType)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _unfit(where: str, text: str) -> ExpressionError:
    return ExpressionError(f"{where}: {text}" if where else text)


def _present(value: Any, where: str) -> Any:
    if _is_empty(value):
        raise _unfit(where, "is none" if value is None else "is empty")
    return value


def _optional(annotation: Any) -> ReadValue:
    read = value_reader(annotation)

    def optional(value: Any, where: str, zone: tzinfo) -> Any:
        return None if _is_empty(value) else read(value, where, zone)

    return optional


def _list(annotation: Any) -> ReadValue:
    read = value_reader(annotation)

    def entries(value: Any, where: str, zone: tzinfo) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise _unfit(where, f"{kind(value)} is not a list")
        return tuple(read(one, f"{where}[{index}]", zone) for index, one in enumerate(value))

    return entries


def _struct(struct: type[msgspec.Struct]) -> ReadValue:
    readers = {name: value_reader(hint) for name, hint in field_types(struct).items()}
    required = required_fields(struct)

    def record(value: Any, where: str, zone: tzinfo) -> Any:
        if not isinstance(value, Mapping):
            raise _unfit(where, f"{kind(value)} is not a mapping")
        missing = [name for name in required if name not in value]
        if missing:
            raise _unfit(f"{where}.{missing[0]}", "is missing")
        fields = {
            name: read(value[name], f"{where}.{name}", zone)
            for name, read in readers.items()
            if name in value
        }
        return struct(**fields)

    return record


def _text(value: Any, where: str, _: tzinfo) -> str:
    if isinstance(_present(value, where), bool) or not (isinstance(value, str) or is_number(value)):
        raise _unfit(where, f"{kind(value)} is not a text")
    # ERPs pad what they keep in columns of a fixed width: `D-1` and `D-1  ` are one delivery.
    return as_text(value).strip()


def _amount(value: Any, where: str, _: tzinfo) -> Decimal:
    return _told(exact_amount, _present(value, where), where)


def _count(value: Any, where: str, _: tzinfo) -> int:
    return _told(whole_number, _present(value, where), where)


def _told(read: Callable[[Any], Read], value: Any, where: str) -> Read:
    try:
        return read(value)
    except ExpressionError as error:
        raise _unfit(where, error.message) from None


def _truth(value: Any, where: str, _: tzinfo) -> bool:
    if not isinstance(value, bool):
        raise _unfit(where, f"{kind(value)} is not true or false; compare it")
    return value


def _moment(value: Any, where: str, _: tzinfo) -> datetime:
    """A moment in UTC; without a zone it is one in UTC (docs/mapping.md)."""
    moment = _parsed(value, where, "a moment (2026-11-30T09:15:00Z)")
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise _unfit(where, "is a moment beyond all measure") from None


def _day(value: Any, where: str, zone: tzinfo) -> date:
    """A day; of a moment with a zone, the day that it is in the shop's."""
    moment = _parsed(value, where, "a day (2026-11-30)")
    try:
        return (moment if moment.tzinfo is None else moment.astimezone(zone)).date()
    except OverflowError:
        raise _unfit(where, "is a moment beyond all measure") from None


def _parsed(value: Any, where: str, wanted: str) -> datetime:
    present = _present(value, where)
    if isinstance(present, datetime):
        return present
    if not isinstance(present, str):
        raise _unfit(where, f"{kind(present)} is not {wanted}")
    try:
        return datetime.fromisoformat(present.strip())
    except ValueError:
        raise _unfit(where, f"a text is not {wanted}") from None


def _one_of(words: tuple[Any, ...]) -> ReadValue:
    def word(value: Any, where: str, zone: tzinfo) -> str:
        text = _text(value, where, zone)
        if text not in words:
            raise _unfit(where, f"is none of {', '.join(map(str, words))}")
        return text

    return word


_PLAIN: Mapping[Any, ReadValue] = {
    str: _text,
    Decimal: _amount,
    int: _count,
    bool: _truth,
    datetime: _moment,
    date: _day,
}
