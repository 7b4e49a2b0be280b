"""The values of an ERP's answer, as the file maps them: a document's figures, codes, messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from adapters.language.expression import Expression, Loop
from adapters.language.filters import (
    ExpressionError,
    as_number,
    as_text,
    is_number,
    kind,
    number_of,
)
from adapters.language.scope import Values
from sidecar.model.outcome import Booked, BookedLine

#: What is known of a document in the ERP, beside its lines.
BOOKED = ("reference", "key", "status", "currency", "total", "tax", "lines")
ITEMS = "items"
#: What is known of a line, and by which of it the line is found among those that were sent.
LINE = BookedLine.__struct_fields__
NAMES_A_LINE = frozenset({"item_id", "sku"})

#: As the ledger's columns have it.
_LONGEST_REFERENCE = 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: Words with which one system's "nothing" reaches another as text.
_NO_REFERENCE = frozenset(
    {
        "false",
        "true",
        "null",
        "none",
        "nil",
        "undefined",
        "nan",
        "infinity",
        "n/a",
        "[object object]",
    }
)
#: The ledger's columns hold a thousand times as much: sums of lines must fit in too.
_LARGEST = Decimal(10) ** 13

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Fields:
    """The value expressions of an answer; a constant where the file has one."""

    leaves: Mapping[str, Expression | object]
    items: Lines | None = None

    def get(self, name: str, values: Values) -> Any:
        """The value, or None where the file has no such line.  Raises ExpressionError."""
        leaf = self.leaves.get(name)
        return leaf(values) if isinstance(leaf, Expression) else leaf

    def text(self, name: str, values: Values) -> str | None:
        """The value as text; None for what is missing, empty or no text."""
        try:
            return self.word(name, values)
        except ExpressionError:
            return None

    def word(self, name: str, values: Values) -> str | None:
        """The value as text; None for what is empty.

        Raises ExpressionError for what is missing or no text.
        """
        text = as_text(self.get(name, values))
        return text if text.strip() else None

    def reference(self, values: Values) -> str | None:
        """What people call the ERP's document; see `name`."""
        return self.name("reference", values)

    def name(self, leaf: str, values: Values) -> str | None:
        """What the ERP calls its document; None for what is missing or cannot be such a name.

        A truth value, zero, a list and blank text are none: an order that was accepted under one
        of them could never be found again.  Nor is one cut that is too long to be kept whole.
        """
        try:
            value = self.get(leaf, values)
            if isinstance(value, bool) or (is_number(value) and as_number(value) <= 0):
                return None
            name = as_text(value)
        except ExpressionError:
            return None
        return name if _is_reference(name) else None

    def amount(self, name: str, values: Values) -> Decimal | None:
        """The value as a number, also where it comes as text.

        Raises ExpressionError for what is missing, no number, or beyond all measure.
        """
        value = self.get(name, values)
        return None if value is None else exact_amount(value)

    def count(self, name: str, values: Values) -> int | None:
        """The value as a whole number.  Raises ExpressionError."""
        value = self.get(name, values)
        return None if value is None else whole_number(value)

    def booked(self, values: Values) -> Booked | None:
        """The document with what could be read of it; None without a reference."""
        reference = self.reference(values)
        key = self.name("key", values)
        if "reference" not in self.leaves and (link := values.get("link")):
            reference, key = link.reference, key or link.key
        if reference is None:
            return None
        notes = ["key: is none"] if "key" in self.leaves and key is None else []
        status = _noted(self.word, "status", values, notes)
        currency = _noted(self.word, "currency", values, notes)
        total = _noted(self.amount, "total", values, notes)
        tax = _noted(self.amount, "tax", values, notes)
        lines = _noted(self.count, "lines", values, notes)
        items = None if self.items is None else self.items.read(values, notes)
        return Booked(
            reference=reference,
            key=key,
            status=status,
            currency=currency,
            total=total,
            tax=tax,
            lines=len(items) if lines is None and items is not None else lines,
            items=items,
            unread="; ".join(notes),
        )

    def free_of(self, names: frozenset[str]) -> Fields:
        """Those that look at none of the names."""
        return Fields(
            {
                name: leaf
                for name, leaf in self.leaves.items()
                if not isinstance(leaf, Expression) or not leaf.names & names
            }
        )


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a document: a round of the loop each, read by the fields of `BookedLine`."""

    loop: Loop
    each: Fields

    def read(self, values: Values, notes: list[str]) -> tuple[BookedLine, ...] | None:
        """The lines with what could be read of them, or None without a list; the rest is noted."""
        unread: dict[str, str] = {}
        try:
            lines = tuple(self._line(line, unread) for line in self.loop(values))
        except ExpressionError as error:
            notes.append(f"{ITEMS}: {error.message}")
            return None
        notes += [f"{ITEMS}.{name}: {why}" for name, why in unread.items()]
        return lines

    def _line(self, values: Values, unread: dict[str, str]) -> BookedLine:
        figures: dict[str, Any] = {}
        for name in self.each.leaves:
            try:
                figures[name] = _READ_OF_LINE[name](self.each, name, values)
            except ExpressionError as error:
                # One note a figure: two hundred lines are likely to lack it alike.
                unread.setdefault(name, error.message)
        return BookedLine(**figures)


_READ_OF_LINE: Mapping[str, Callable[[Fields, str, Values], object]] = {
    **dict.fromkeys(LINE, Fields.amount),
    "item_id": Fields.count,
    "sku": Fields.word,
}


def _noted(
    read: Callable[[str, Values], Found | None], name: str, values: Values, notes: list[str]
) -> Found | None:
    """What can be read; where it cannot, None and a note, because a comparison is then lost."""
    try:
        return read(name, values)
    except ExpressionError as error:
        notes.append(f"{name}: {error.message}")
        return None


def exact_amount(value: Any) -> Decimal:
    """A number, or a text that is one.

    Raises ExpressionError for what is none, or is beyond all measure.
    """
    if not isinstance(value, str) and not is_number(value):
        raise ExpressionError(f"{kind(value)} is not a number")
    number = number_of(value) if isinstance(value, str) else Decimal(as_number(value))
    if not -_LARGEST < number < _LARGEST:
        raise ExpressionError("the number is beyond all measure")
    return number


def whole_number(value: Any) -> int:
    """As `exact_amount`; raises ExpressionError for one that has decimals, too."""
    number = exact_amount(value)
    if number != number.to_integral_value():
        raise ExpressionError("the number has decimals")
    return int(number)


def _is_reference(text: str) -> bool:
    """Whether a document can be called so: not a word for "nothing", nor zero, nor unprintable.

    Without a letter and without a digit it is a sign for "nothing" (`?`, `--`, an invisible blank);
    in brackets it is a list or an object that somebody made a text of.
    """
    name = text.strip()
    return (
        0 < len(name) <= _LONGEST_REFERENCE
        and name.casefold() not in _NO_REFERENCE
        and name[0] not in "[{"
        and any(one.isalnum() and one != "0" for one in name)
        and not _CONTROL.search(name)
    )
