"""What the domains of levels say alike of a row of the ERP: why it is not taken, and how figures,
shares and spellings are shown."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal


class NotTaken(Exception):
    """A row that must not be written; `ours`: what stands in Magento instead."""

    def __init__(self, reason: str, ours: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.ours = ours


def plain(figure: Decimal) -> str:
    """`12` and `0.5` instead of 12.0000 and 0.5000."""
    text = f"{figure:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: Decimal) -> str:
    """`12.5%` of 0.125."""
    return f"{plain(round(share * 100, 1))}%"


def spelt(asked: str, known: Iterable[str]) -> str:
    """How Magento spells what differs in its case only."""
    folded = asked.casefold()
    return next((name for name in known if name.casefold() == folded), "")
