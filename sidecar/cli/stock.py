"""`erp-sidecar stock`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import click

from sidecar.cli.context import Context, as_json, table
from sidecar.cli.outlet import echo, emit_json
from sidecar.magento.applier import Plan, Refusal
from sidecar.operate.levels import all_told

_DOMAIN = "stock"


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
    with context.sidecar() as sidecar:
        applier = sidecar.inbound.level_applier_of(_DOMAIN)
        rows = all_told(sidecar.erps.adapter_of(_DOMAIN), _DOMAIN)
        some = (row for row in rows if not skus or getattr(row, "sku", None) in skus)
        plan = applier.plan(some, whole=not skus)
        shown = applier.shown(plan, most)
    if as_json:
        emit_json(_document(plan, shown, most))
    else:
        _print(plan, shown, most)
    return 2 if plan.changes or plan.refused else 0


def _document(plan: Plan, shown: Sequence[Mapping[str, object]], most: int) -> dict[str, object]:
    return {
        "known": plan.known,
        "equal": plan.equal,
        "changed": len(plan.changes),
        "to_zero": plan.to_zero,
        "held": plan.held,
        "changes": shown,
        "refused": len(plan.refused),
        "refusals": plan.refused[:most],
    }


def _print(plan: Plan, shown: Sequence[Mapping[str, object]], most: int) -> None:
    if shown:
        header = ("sku", "source", "is", "would be")
        table([[row["sku"], row["source_code"], _quantity(row["is"]), _quantity(row["would_be"])]
               for row in shown], header)  # fmt: skip
        _rest(len(plan.changes) - len(shown), "change(s)")
    if refused := plan.refused[:most]:
        table([_cells(one) for one in refused], ("refused", "why", "magento", "erp"))
        _rest(len(plan.refused) - len(refused), "refused row(s)")
    echo(
        f"{len(plan.changes)} of {plan.known} level(s) would change, {plan.to_zero} of them to 0; "
        f"{plan.equal} equal, {len(plan.refused)} refused"
    )
    if plan.held is not None:
        echo(f"! {plan.held}")


def _rest(count: int, what: str) -> None:
    if count > 0:
        echo(f"… {count} more {what}")


def _cells(refused: Refusal) -> tuple[str, ...]:
    return refused.number, refused.reason, refused.ours or "-", refused.theirs or "-"


def _quantity(value: object) -> str:
    if not isinstance(value, Decimal):
        return "-"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
