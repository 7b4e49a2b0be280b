"""`erp-sidecar queue`."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import click

from sidecar.app import ORDERS, Sidecar
from sidecar.cli.context import Context, as_json, dry_run, emit_json, reason, table, text
from sidecar.domain.errors import BadData, UsageError
from sidecar.ledger.overview import Overview, Row
from sidecar.process import operator

_STATUSES = ("pending", "sending", "accepted", "rejected", "unknown", "parked", "superseded")
_OPEN = ("pending", "sending", "rejected", "unknown", "parked")


@click.group()
def queue() -> None:
    """List events, show one, make them due again."""


@queue.command(name="list")
@click.option("--status", "statuses", multiple=True, type=click.Choice(_STATUSES),
              help="Only these (repeatable); default: all that is not over.")  # fmt: skip
@click.option("--all", "all_", is_flag=True, help="Also what is over.")
@click.option("--cause", metavar="PRINT", help="Only refusals of one cause (column cause).")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@as_json
@click.pass_obj
def list_(
    context: Context,
    *,
    statuses: tuple[str, ...],
    all_: bool,
    cause: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List events, oldest first, with why they wait.

    \b
    Examples:
      erp-sidecar queue list
      erp-sidecar queue list --status rejected --json
    """
    wanted = statuses or (_STATUSES if all_ else _OPEN)
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        rows = _find(sidecar, wanted, cause, limit)
    if as_json:
        emit_json(rows)
        return
    table(
        [
            (
                row["increment_id"],
                row["type"],
                row["status"],
                row["attempts"],
                _amount(row),
                row["error_print"],
                row["reason"] or row["waiting"] or _due(row),
            )
            for row in rows
        ],
        ("order", "event", "status", "attempts", "amount", "cause", "why"),
    )


@queue.command()
@click.argument("event_id")
@as_json
@click.pass_obj
def show(context: Context, *, event_id: str, as_json: bool) -> None:
    """Show one event with its payload and every attempt.  EVENT_ID: as in the log's corr."""
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        overview = Overview(sidecar.store.tables)
        with sidecar.database.transaction("reading an event") as connection:
            event = overview.event(connection, event_id)
            if event is None:
                raise UsageError(
                    f"there is no event {event_id}", "erp-sidecar order show NUMBER lists them"
                )
            attempts = overview.attempts_of(connection, [event["id"]])
    event["payload"] = json.loads(event["payload"], parse_float=Decimal)
    if as_json:
        emit_json({"event": event, "attempts": attempts})
        return
    for name, value in event.items():
        if name != "payload":
            click.echo(f"{name:<14} {text(value)}")
    for attempt in attempts:
        click.echo(
            f"attempt {attempt['number']}: {text(attempt['at'])} {attempt['operation']} "
            f"{attempt['outcome']}: {attempt['message']}"
        )
    emit_json(event["payload"])


@queue.command()
@click.argument("numbers", nargs=-1)
@click.option("--status", type=click.Choice(["rejected", "parked", "unknown"]),
              help="All events in this status.")  # fmt: skip
@click.option("--cause", metavar="PRINT", help="All refusals of one cause (see queue list).")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1, 100_000),
              help="Refuse to touch more than this.")  # fmt: skip
@reason
@dry_run
@as_json
@click.pass_obj
def requeue(
    context: Context,
    *,
    numbers: tuple[str, ...],
    status: str | None,
    cause: str | None,
    limit: int,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make rejected, parked or unknown events due again, by order number, status or cause.

    What the ERP may already hold is asked for before anything is sent again.  An order that was
    parked because it broke an invariant is read anew from Magento.

    \b
    Examples:
      erp-sidecar queue requeue 000000042 --reason "credit limit raised"
      erp-sidecar queue requeue --status parked --dry-run
    """
    if not numbers and not status and not cause:
        raise UsageError("nothing chosen", "name order numbers, --status or --cause")
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        rows = _chosen(sidecar, numbers, status, cause, limit)
        done = len(rows) if dry_run else sidecar.requeue(rows, who=operator(), reason=reason)
    money = _money(rows)
    if as_json:
        emit_json(
            {
                "requeued": done,
                "orders": sorted({row["increment_id"] for row in rows}),
                "money": money,
                "dry_run": dry_run,
            }
        )
        return
    amount = ", ".join(f"{value:.2f} {currency}" for currency, value in money.items())
    verb = "would be requeued" if dry_run else "requeued"
    click.echo(f"{done} event(s) {verb}{f', {amount}' if amount else ''}")


def _chosen(
    sidecar: Sidecar, numbers: tuple[str, ...], status: str | None, cause: str | None, limit: int
) -> list[Row]:
    statuses = (status,) if status else ("rejected", "parked", "unknown", "pending")
    if numbers:
        rows = [row for number in numbers for row in _of_number(sidecar, number, statuses)]
    else:
        rows = _find(sidecar, statuses, cause, limit + 1)
    if len(rows) > limit:
        raise UsageError(f"more than {limit} events match", "raise --limit if that is meant")
    return rows


def _of_number(sidecar: Sidecar, number: str, statuses: tuple[str, ...]) -> list[Row]:
    overview = Overview(sidecar.store.tables)
    with sidecar.database.transaction("looking for an order") as connection:
        known = sidecar.store.entities.by_number(connection, number)
        rows = [
            row
            for entity in known
            for row in overview.events_of(connection, entity.kind, entity.entity_id)
        ]
    if not known:
        raise BadData(
            f"the ledger knows no order {number}", "is it in Magento? erp-sidecar run --once"
        )
    return [row for row in rows if row["status"] in statuses]


def _find(sidecar: Sidecar, statuses: tuple[str, ...], cause: str | None, limit: int) -> list[Row]:
    with sidecar.database.transaction("reading the queue") as connection:
        return Overview(sidecar.store.tables).queue(
            connection, domain=ORDERS, statuses=statuses, print_=cause, limit=limit
        )


def _money(rows: list[Row]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for row in rows:
        if row["grand_total"] is not None:
            currency = str(row["currency"])
            total[currency] = total.get(currency, Decimal(0)) + row["grand_total"]
    return total


def _amount(row: dict[str, Any]) -> str:
    return "-" if row["grand_total"] is None else f"{row['grand_total']:.2f} {row['currency']}"


def _due(row: Row) -> str:
    return f"due {text(row['due_at'])}" if row["due_at"] else ""
