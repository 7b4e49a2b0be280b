"""`erp-sidecar differences`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from sidecar.app.domains import specs
from sidecar.cli.context import Context, as_json, by, dry_run, reason, table
from sidecar.cli.outlet import echo, emit_json
from sidecar.ledger.records import DifferenceRow
from sidecar.operate.naming import name_of

_HEADER = ("number", "class", "ours", "theirs", "amount", "currency", "found")


@click.group()
def differences() -> None:
    """What the ERP booked otherwise than it was sent, and nobody has seen to yet."""


@differences.command(name="list")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N",
              help="Of the N orders that differences were found in last.")  # fmt: skip
@as_json
@click.pass_obj
def list_(context: Context, *, limit: int, as_json: bool) -> int:
    """List every figure that differs, the newest order first.  Exits 2 when there is one.

    \b
    Example:
      erp-sidecar differences list
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        found = sidecar.findings.open(limit)
    if as_json:
        emit_json(found)
    else:
        table(_cells(found), _HEADER)
    return 2 if found else 0


@differences.command()
@click.argument("numbers", nargs=-1, required=True, metavar="ORDER...")
@reason
@dry_run
@as_json
@click.pass_obj
def resolve(
    context: Context,
    *,
    numbers: tuple[str, ...],
    reason: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """End the differences of orders whose documents were corrected, or are right as they are.

    What ended stays in the ledger, with who ended it and why.  A later answer of the ERP is
    compared anew, and ends or renews them by itself.

    \b
    Example:
      erp-sidecar differences resolve 000000042 --reason "corrected in the ERP by A. Lovelace"
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        done = sidecar.findings.resolve(numbers, by(reason), dry_run=dry_run)
    if as_json:
        emit_json({"resolved": done.differences, "already_resolved": done.already})
        return
    table(_cells(done.differences), _HEADER)
    verb = "would be ended" if dry_run else "ended"
    echo(f"{len(done.differences)} difference(s) {verb}")
    for number in done.already:
        echo(f"{number}: no difference stands")


def _cells(found: Sequence[DifferenceRow]) -> list[tuple[object, ...]]:
    return [
        (
            name_of(specs(), row.kind, row.number),
            row.class_,
            row.ours,
            row.theirs,
            row.amount,
            row.currency,
            row.found_at,
        )
        for row in found
    ]
