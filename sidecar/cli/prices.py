"""`erp-sidecar prices`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import click

from sidecar.cli.context import Context, as_json
from sidecar.cli.level_diff import LevelDiff
from sidecar.magento.level_rows import plain


@click.group()
def prices() -> None:
    """The ERP's prices beside Magento's."""


@prices.command()
@click.option("--sku", "skus", multiple=True, metavar="SKU", help="Only this one; may be repeated.")
@click.option("--most", type=click.IntRange(0), default=20, show_default=True, metavar="N",
              help="Show the first N of the changes, and of the refused rows.")  # fmt: skip
@as_json
@click.pass_obj
def diff(context: Context, *, skus: tuple[str, ...], most: int, as_json: bool) -> int:
    """Ask the ERP for all its prices and show what a run would change.  Writes nothing.

    Exits 2 where something would change or is refused.

    \b
    Examples:
      erp-sidecar prices diff
      erp-sidecar prices diff --sku 24-MB01 --sku 24-MB02
    """
    return _DIFF.show(context, skus, most, as_json=as_json)


def _cells(row: Any) -> list[str]:
    return [
        row["sku"],
        row["website_code"] or "(everywhere)",
        _prices(row["is"]),
        _prices(row["would_be"]),
    ]


def _prices(figures: Mapping[str, Any]) -> str:
    """`9.99, special 7.5 from 2026-11-27, 2 tiers`: of what changes."""
    told = []
    if "price" in figures:
        told.append(_amount(figures["price"]))
    if "special_price" in figures:
        first, last = figures["special_from"], figures["special_to"]
        days = [f"from {first}"] * bool(first) + [f"to {last}"] * bool(last)
        told.append(" ".join(("special", _amount(figures["special_price"]), *days)))
    if "tier_prices" in figures:
        told.append("tiers " + (" ".join(map(_tier, figures["tier_prices"])) or "-"))
    return ", ".join(told)


def _tier(tier: Mapping[str, Any]) -> str:
    """`Wholesale:10=8.5`."""
    price = _amount(tier["price"]) if "price" in tier else f"-{plain(tier['discount'])}%"
    return f"{tier['customer_group']}:{plain(tier['quantity'])}={price}"


def _amount(price: Decimal | None) -> str:
    return "-" if price is None else plain(price)


_DIFF = LevelDiff("prices", ("sku", "website", "is", "would be"), _cells)
