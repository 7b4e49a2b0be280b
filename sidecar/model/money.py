"""Money: an amount, a currency and a basis, which never mix.

Magento keeps every amount twice: `base_*` in the website's base currency and without prefix in the
currency of the order.  Adding one to the other is the classic mistake of integrations
(facts: magento2#34649), so it raises here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import TypeAlias

CENT = Decimal("0.01")

#: What a total is the sum of, each with its name; at least one.
Parts: TypeAlias = Sequence[tuple[str, Decimal]]

#: Places of a unit price that gives the row total to the cent again for up to 9,999 pieces.
_PRICE_PLACES = 6
#: Shown in arithmetic even where it is nothing: a person looks for it there.
_ALWAYS_SHOWN = frozenset({"shipping", "tax", "discount"})


class Basis(Enum):
    """Whose currency an amount is in."""

    BASE = "base"
    ORDER = "order"


class CurrencyMismatch(TypeError):
    """Two amounts of different currency or basis met in one sum: a programming error."""


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` in `currency`; `basis` says whether it is a base or an order amount."""

    amount: Decimal
    currency: str
    basis: Basis

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other).amount, self.currency, self.basis)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other).amount, self.currency, self.basis)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency, self.basis)

    def __abs__(self) -> Money:
        return Money(abs(self.amount), self.currency, self.basis)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other).amount

    def __str__(self) -> str:
        return f"{rounded(self.amount)} {self.currency}"

    def _same(self, other: Money) -> Money:
        if not isinstance(other, Money):
            raise CurrencyMismatch(f"{self} cannot be combined with {other!r}")
        if (self.currency, self.basis) != (other.currency, other.basis):
            raise CurrencyMismatch(
                f"{self} ({self.basis.value}) cannot be combined with {other} ({other.basis.value})"
            )
        return other


def rounded(amount: Decimal, places: int = 2) -> Decimal:
    """`amount` rounded half up, as Magento and commercial practice round."""
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def by_the_piece(total: Decimal, quantity: Decimal, price: Decimal) -> Decimal:
    """The price that times the quantity gives the total, to the cent.

    That is `price` where it does, because people know that figure.
    """
    if not quantity or rounded(price * quantity) == rounded(total):
        return price
    places = _PRICE_PLACES + max(0, quantity.adjusted() - 3)
    return (total / quantity).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def imbalance(field: str, claimed: Money, parts: Parts, tolerance: Decimal) -> str | None:
    """The arithmetic in words where `parts` do not come to `claimed`, the amount of `field`.

    What is less than a cent is none, whatever `tolerance` says: Magento keeps four places.
    """
    total = sum((amount for _, amount in parts), Decimal(0))
    difference = claimed.amount - total
    off = rounded(abs(difference))
    if off < CENT or off <= tolerance:
        return None
    (first, amount), *others = parts
    terms = [f"{rounded(amount)} ({first})"] + [
        f"{_sign(name, amount)} {rounded(abs(amount))} ({name})"
        for name, amount in others
        if amount or name in _ALWAYS_SHOWN
    ]
    verdict = "too much" if difference > 0 else "too little"
    return (
        f"{' '.join(terms)} = {rounded(total)}, but {field} is {rounded(claimed.amount)}: "
        f"{off} {claimed.currency} {verdict}"
    )


def _sign(name: str, amount: Decimal) -> str:
    return "−" if amount < 0 or (name == "discount" and not amount) else "+"
