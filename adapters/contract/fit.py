"""Whether a value of a known shape fits a field of the ERP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Literal

from adapters.contract.field import Field
from adapters.language.filters import as_text
from adapters.language.shape import (
    Anything,
    Either,
    Many,
    Plain,
    Record,
    Shape,
    suggest,
    text_length,
)

_MOST_CHOICES = 8
_INTO: dict[tuple[str, str], str] = {
    ("number", "whole number"): "| int, where it never has decimals; | round first, where it may",
    ("time", "text"): "| date('%Y-%m-%d')",
    ("number", "text"): "| string",
    ("whole number", "text"): "| string",
    ("text", "number"): "| decimal",
    ("text", "whole number"): "| int",
    ("text", "truth value"): "true or false, or a comparison: =… == 'yes'",
    ("truth value", "text"): "'Y' if … else 'N'",
    ("truth value", "whole number"): "1 if … else 0",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """A finding without its place; `field`: the ERP's field, where the place is not its own."""

    severity: Literal["error", "warning"]
    id: str
    text: str
    remedy: str = ""
    field: str = ""


def misfits(field: Field, shape: Shape) -> list[Complaint]:
    """What is wrong with putting such a value into the field; nothing that is not known."""
    return list(dict.fromkeys(_misfits(field, shape)))


def _misfits(field: Field, shape: Shape) -> Iterator[Complaint]:
    match shape:
        case Anything():
            return
        case Either(shapes=shapes):
            for alternative in shapes:
                yield from _misfits(field, alternative)
        case Many() if field.kind == "anything" and not field.lexical:
            return
        case Many(entry=entry):
            if field.many:
                yield from _misfits(replace(field, many=False), entry)
            else:
                yield _wrong_type(field, "a list")
        case Record(name=name):
            yield _wrong_type(field, f"a whole {name}: take its fields one by one")
        case Plain():
            yield from _of_plain(field, shape)


def _of_plain(field: Field, shape: Plain) -> Iterator[Complaint]:
    if field.many and not field.lone:
        yield _wrong_type(field, f"one {shape.name}", f"[…] around it, or {'$each'}")
        return
    if not _takes(field, shape):
        yield _misfit_of_type(field, shape)
        return
    yield from _too_long(field, shape)
    yield from _no_choice(field, shape)
    yield from _too_exact(field, shape)


def _takes(field: Field, shape: Plain) -> bool:
    if shape.name in field.takes:
        return True
    if field.lexical and shape.name == "text" and shape.values:
        return all(_is_lexical(value, field) for value in shape.values)
    is_whole = shape.name == "number" and shape.digits is not None and shape.digits[1] == 0
    return is_whole and "whole number" in field.takes


def _is_lexical(value: object, field: Field) -> bool:
    """Whether a text is one that the field's type writes."""
    text = as_text(value).strip()
    if "truth value" in field.takes:
        return text in ("true", "false", "1", "0")
    try:
        number = Decimal(text)
    except InvalidOperation:
        return False
    is_whole = number.is_finite() and number == number.to_integral_value()
    return is_whole if "number" not in field.takes else number.is_finite()


def _misfit_of_type(field: Field, shape: Plain) -> Complaint:
    remedies = (
        _INTO[shape.name, target] for target in sorted(field.takes) if (shape.name, target) in _INTO
    )
    remedy = next(remedies, "")
    if shape.name in field.tolerated:
        text = f"'{field.name}' takes {field.kind}, a {shape.name} fits only sometimes"
        return Complaint("warning", "odd-type", text, remedy)
    return _wrong_type(field, f"a {shape.name}", remedy)


def _wrong_type(field: Field, given: str, remedy: str = "") -> Complaint:
    wanted = f"a list of {field.kind}" if field.many else field.kind
    return Complaint("error", "wrong-type", f"'{field.name}' takes {wanted}, not {given}", remedy)


def _too_long(field: Field, shape: Plain) -> Iterator[Complaint]:
    limit = field.longest
    if limit is None or "text" not in field.takes:
        return
    if shape.values is not None:
        for value in _ordered(shape.values):
            if len(as_text(value)) > limit:
                text = (
                    f"'{field.name}' takes {limit} characters, '{value}' has {len(as_text(value))}"
                )
                yield Complaint("error", "too-long", text, "write a shorter one")
        return
    longest = text_length(shape)
    if longest is not None and longest <= limit:
        return
    may = f"may have {longest}" if longest else "may be of any length"
    yield Complaint(
        "warning",
        "too-long",
        f"'{field.name}' takes {limit} characters, what Magento puts in {may}",
        f"| truncate({limit}), but never for a number or a code: cut, it names another",
    )


def _no_choice(field: Field, shape: Plain) -> Iterator[Complaint]:
    if not field.choices or shape.values is None:
        return
    for value in _ordered(shape.values):
        if as_text(value) not in field.choices:
            hint = suggest(as_text(value), field.choices)
            told = ", ".join(field.choices[:_MOST_CHOICES])
            more = ", …" if len(field.choices) > _MOST_CHOICES else ""
            yield Complaint(
                "error",
                "no-choice",
                f"'{field.name}' cannot be '{value}'{hint or f'; there are {told}{more}'}",
            )


def _too_exact(field: Field, shape: Plain) -> Iterator[Complaint]:
    if field.digits is None or shape.digits is None or shape.digits[1] <= field.digits[1]:
        return
    places = field.digits[1]
    remedy = f"| round({places})" if places else "| int, where it never has decimals"
    if shape.values is not None:
        for value in _ordered(shape.values):
            text = f"'{field.name}' takes {places} decimals, {value} has more"
            yield Complaint("error", "too-exact", text, remedy)
        return
    yield Complaint(
        "warning",
        "too-exact",
        f"'{field.name}' takes {places} decimals, this may have {shape.digits[1]}: "
        "the ERP may refuse it, or cut it",
        remedy,
    )


def _ordered(values: frozenset[object]) -> list[object]:
    return sorted(
        values, key=lambda value: str(value) if not isinstance(value, Decimal) else f"{value:f}"
    )
