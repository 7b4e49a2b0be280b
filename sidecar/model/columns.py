"""How much Magento's columns hold, noted at the fields of `sidecar.domains.orders.payload`.

Notes for whoever compares an order with an ERP's interface (`erp-sidecar adapter check`): a value
that is longer, because a shop widened its column, is carried all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, get_args, get_origin


@dataclass(frozen=True, slots=True)
class Length:
    """A text of at most so many characters."""

    characters: int


@dataclass(frozen=True, slots=True)
class Digits:
    """A number of at most so many digits, of which `fraction` stand behind the point."""

    total: int
    fraction: int


def bare(annotation: object) -> object:
    """A field's type without these notes."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


Text2 = Annotated[str, Length(2)]
Text3 = Annotated[str, Length(3)]
Text32 = Annotated[str, Length(32)]
Text50 = Annotated[str, Length(50)]
Text120 = Annotated[str, Length(120)]
Text128 = Annotated[str, Length(128)]
Text255 = Annotated[str, Length(255)]

Decimal20 = Annotated[Decimal, Digits(20, 4)]
Decimal12 = Annotated[Decimal, Digits(12, 4)]
