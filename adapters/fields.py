"""The values of an ERP's answer, as the file maps them: a document's figures, codes, messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from adapters.compiler import Values
from adapters.expression import Expression
from adapters.filters import ExpressionError, as_text, is_number, kind
from sidecar.domain.outcome import Booked

#: What is known of a document in the ERP.
BOOKED = ("reference", "status", "total", "tax", "lines")

_LONGEST = 2_000

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Fields:
    """The value expressions of an answer; a constant where the file has one."""

    leaves: Mapping[str, Expression | object]

    def get(self, name: str, values: Values) -> Any:
        """The value, or None where the file has no such line.  Raises ExpressionError."""
        leaf = self.leaves.get(name)
        return leaf(values) if isinstance(leaf, Expression) else leaf

    def text(self, name: str, values: Values) -> str | None:
        """The value as text; None for what is missing, empty or no text."""
        try:
            found = as_text(self.get(name, values))[:_LONGEST]
            return found if found.strip() else None
        except ExpressionError:
            return None

    def amount(self, name: str, values: Values) -> Decimal | None:
        """The value as a number, also where it comes as text.

        Raises ExpressionError for what is missing or no number.
        """
        found = self.get(name, values)
        if found is None or isinstance(found, Decimal):
            return found
        if is_number(found):
            return Decimal(found)
        try:
            number = Decimal(found.strip()) if isinstance(found, str) else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite():
            raise ExpressionError(f"{kind(found)} is not a number")
        return number

    def count(self, name: str, values: Values) -> int | None:
        """The value as a whole number.  Raises ExpressionError."""
        number = self.amount(name, values)
        if number is not None and number != number.to_integral_value():
            raise ExpressionError("the number has decimals")
        return None if number is None else int(number)

    def booked(self, values: Values) -> Booked | None:
        """The document with what could be read of it; None without a reference."""
        notes: list[str] = []
        reference = self.text("reference", values)
        if "reference" not in self.leaves and (link := values.get("link")):
            reference = link.reference
        if reference is None:
            return None
        return Booked(
            reference=reference,
            status=_noted(self._status, "status", values, notes),
            total=_noted(self.amount, "total", values, notes),
            tax=_noted(self.amount, "tax", values, notes),
            lines=_noted(self.count, "lines", values, notes),
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

    def _status(self, name: str, values: Values) -> str | None:
        found = self.get(name, values)
        return None if found is None else as_text(found)[:_LONGEST] or None


def _noted(
    read: Callable[[str, Values], Found | None], name: str, values: Values, notes: list[str]
) -> Found | None:
    """What can be read; where it cannot, None and a note, because a comparison is then lost."""
    try:
        return read(name, values)
    except ExpressionError as wrong:
        notes.append(f"{name}: {wrong.message}")
        return None
