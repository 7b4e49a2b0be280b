"""`erp-sidecar stock`."""

from __future__ import annotations

from decimal import Decimal

import click

from sidecar.cli.context import Context, as_json
from sidecar.cli.level_diff import LevelDiff, Shown
from sidecar.magento.level_rows import plain


@click.group()
def stock() -> None:
    """The ERP's quantities beside Magento's."""


@stock.command()
@click.option("--sku", "skus", multiple=True, metavar="SKU", help="Only this one; may be repeated.")
@click.option("--most", type=click.IntRange(0), default=20, show_default=True, metavar="N",
              help="Show the first N of the changes, and of the refused rows.")  # fmt: skip
@as_json
@click.pass_obj
def diff(context: Context, *, skus: tuple[str, ...], most: int, as_json: bool) -> int:
    """Ask the ERP for all its quantities and show what a run would change.  Writes nothing.

    Exits 2 where something would change or is refused.

    \b
    Examples:
      erp-sidecar stock diff
      erp-sidecar stock diff --sku 24-MB01 --sku 24-MB02
    """
    return _DIFF.show(context, skus, most, as_json=as_json)


def _cells(row: Shown) -> list[str]:
    return [
        str(row["sku"]),
        str(row["source_code"]),
        *(plain(value) if isinstance(value := row[name], Decimal) else "-"
          for name in ("is", "would_be")),
    ]  # fmt: skip


_DIFF = LevelDiff("stock", ("sku", "source", "is", "would be"), _cells)
