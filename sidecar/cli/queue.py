"""`erp-sidecar queue`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Any, TextIO

import click
from msgspec import structs

from sidecar.app.domains import specs
from sidecar.cli.context import (
    Context,
    amounts,
    as_json,
    by,
    dry_run,
    reason,
    table,
    text,
)
from sidecar.cli.domains import NAMES
from sidecar.cli.outlet import confirm, echo, echo_lines, emit_json
from sidecar.ledger.records import EventRow, Records
from sidecar.model.draft import Draft, Edit
from sidecar.model.errors import BadData, UsageError
from sidecar.model.json_pointer import pretty
from sidecar.model.settlement import OPEN, TROUBLED, EventStatus
from sidecar.operate.naming import document, name_of
from sidecar.operate.queue import Done

_names = click.argument("names", nargs=-1, required=True, metavar="NUMBER|EVENT_ID...")
_names_optional = click.argument("names", nargs=-1, metavar="[NUMBER|EVENT_ID]...")


@click.group()
def queue() -> None:
    """Events: list and show them, send them again or as they are, put aside, drop, edit them."""


@queue.command(name="list")
@click.option("--status", "statuses", multiple=True,
              type=click.Choice([status.value for status in EventStatus]),
              help="Only these (repeatable); default: all that is not over.")  # fmt: skip
@click.option("--domain", "domains", multiple=True,
              type=NAMES,
              help="Only of these (repeatable); default: all.")  # fmt: skip
@click.option("--all", "all_", is_flag=True, help="Also what is over.")
@click.option("--cause", metavar="PRINT", help="Only refusals of one cause (column cause).")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000),
              help="At most this many.")  # fmt: skip
@as_json
@click.pass_obj
def list_(
    context: Context,
    *,
    statuses: tuple[str, ...],
    domains: tuple[str, ...],
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
    wanted = [EventStatus(one) for one in statuses] or ([] if all_ else OPEN)
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        with sidecar.database.transaction("reading the queue") as connection:
            rows = Records(sidecar.store.tables).queue(
                connection, domains=domains, statuses=wanted, print_=cause, limit=limit
            )
    if as_json:
        emit_json(rows)
        return
    table(
        [
            (
                name_of(specs(), row.kind, row.number),
                row.type,
                row.status,
                row.attempts,
                _amount(row),
                row.error_print,
                row.reason or row.waiting or _due(row),
            )
            for row in rows
        ],
        ("number", "event", "status", "attempts", "amount", "cause", "why"),
    )


@queue.command()
@click.argument("event_id")
@as_json
@click.pass_obj
def show(context: Context, *, event_id: str, as_json: bool) -> None:
    """Show one event with its payload and every attempt.  EVENT_ID: as in the log's corr.

    \b
    Example:
      erp-sidecar queue show main.order.42.1
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        records = Records(sidecar.store.tables)
        with sidecar.database.transaction("reading an event") as connection:
            event = records.event(connection, event_id)
            if event is None:
                raise UsageError(
                    f"there is no event {event_id}", "erp-sidecar order show NUMBER lists them"
                )
            attempts = records.attempts_of(connection, [event.id])
        answers = sidecar.answering.of([event.domain])
    payload = _payload(event.payload)
    told = structs.asdict(event) | {"payload": payload}
    if as_json:
        emit_json({"event": told, "attempts": attempts, "answers": answers})
        return
    for name, value in told.items():
        if name != "payload":
            echo(f"{name:<14} {text(value)}")
    if answers:
        echo(f"{'who answers':<14} {text(answers)}")
    for attempt in attempts:
        echo(
            f"attempt {attempt.number}: {text(attempt.at)} {attempt.operation} "
            f"{attempt.outcome}: {attempt.message}"
        )
    emit_json(payload)


def _payload(stored: str) -> Any:
    """As a tree; as it is where somebody spoilt it."""
    try:
        return json.loads(stored, parse_float=Decimal)
    except ValueError:
        return stored


@queue.command()
@_names_optional
@click.option("--status", type=click.Choice([status.value for status in TROUBLED]),
              help="All events in this status.")  # fmt: skip
@click.option("--cause", metavar="CAUSE", help="All events of one cause (see rejections list).")
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(1, 100_000),
              help="Refuse to touch more than this.")  # fmt: skip
@reason
@dry_run
@as_json
@click.pass_obj
def requeue(
    context: Context,
    *,
    names: tuple[str, ...],
    status: str | None,
    cause: str | None,
    limit: int,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send events again: rejected, parked, unknown ones.

    Chosen by order number (or event id), or by status and cause.  What the ERP may already hold is
    asked for before anything is sent again.  An order that was parked because it broke an invariant
    is read anew from Magento.

    \b
    Examples:
      erp-sidecar queue requeue 000000042 --reason "credit limit raised"
      erp-sidecar queue requeue --status parked --dry-run
    """
    if bool(names) == bool(status or cause):
        raise UsageError("choose either order numbers or --status and --cause")
    with context.operations() as operations:
        if names:
            done = operations.requeue(names, by(reason), dry_run=dry_run)
        else:
            done = operations.requeue_all(
                status=EventStatus(status) if status else None,
                cause=cause,
                most=limit,
                by=by(reason),
                dry_run=dry_run,
            )
    say(done, "requeued", dry_run=dry_run, as_json=as_json)


@queue.command()
@_names
@click.option("--as-is", is_flag=True,
              help="Although its data breaks an invariant; so its later changes.")  # fmt: skip
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the audit.")
@dry_run
@as_json
@click.pass_obj
def release(
    context: Context,
    *,
    names: tuple[str, ...],
    as_is: bool,
    reason: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send orders that were parked because of their data, as they are.

    For an order that is right although it does not add up.  It is read anew from Magento, and not
    checked any more from then on; what its total has beyond its parts is the charge 'difference' of
    the mapping.  Where all orders of a kind are parked, name the missing column under
    domains.orders.totals, or raise domains.orders.tolerance.

    \b
    Example:
      erp-sidecar queue release 000000042 --as-is --reason "surcharge agreed on the phone"
    """
    if not as_is:
        raise UsageError("say --as-is: nothing else is released here")
    with context.operations() as operations:
        done = operations.release_as_is(names, by(reason), dry_run=dry_run)
    say(done, "released", dry_run=dry_run, as_json=as_json)


@queue.command()
@_names
@reason
@dry_run
@as_json
@click.pass_obj
def park(
    context: Context, *, names: tuple[str, ...], reason: str | None, dry_run: bool, as_json: bool
) -> None:
    """Put events aside until they are requeued.

    Of a number all that waits of the order.  An order that the ERP has not seen takes newer changes
    in and stays aside; of one that it has, a newer change goes instead of the one put aside.

    \b
    Example:
      erp-sidecar queue park 000000042 --reason "customer calls back tomorrow"
    """
    with context.operations() as operations:
        done = operations.park(names, by(reason), dry_run=dry_run)
    say(done, "parked", dry_run=dry_run, as_json=as_json)


@queue.command()
@_names
@click.option("--even-if-booked", is_flag=True, help="Also what the ERP may hold already.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the audit.")
@dry_run
@as_json
@click.pass_obj
def drop(
    context: Context,
    *,
    names: tuple[str, ...],
    even_if_booked: bool,
    yes: bool,
    reason: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Close events for good: they never go.

    Without an event's id all that waits of an order.  Later events of the order go on.  What the
    ERP may hold already is not dropped without a word.

    \b
    Example:
      erp-sidecar queue drop 000000042 --reason "booked by hand as SO-7712"
    """
    with context.operations() as operations:

        def act(*, dry_run: bool) -> Done:
            return operations.drop(
                names, by(reason), even_if_booked=even_if_booked, dry_run=dry_run
            )

        done = act(dry_run=True)
        if done.events and not dry_run:
            if not yes:
                _ask(done)
            done = act(dry_run=False)
    say(done, "dropped", dry_run=dry_run, as_json=as_json)


@queue.command()
@click.argument("name", metavar="NUMBER|EVENT_ID")
@click.option("--set", "assignments", multiple=True, metavar="POINTER=VALUE",
              help="Replace one value (repeatable): /billing_address/postcode=10115.")  # fmt: skip
@click.option("--payload", "file", type=click.File(encoding="utf-8"),
              help="The whole new payload; - reads standard input.")  # fmt: skip
@click.option("--force", is_flag=True, help="Also when the payload breaks an invariant.")
@reason
@dry_run
@as_json
@click.pass_obj
def edit(
    context: Context,
    *,
    name: str,
    assignments: tuple[str, ...],
    file: TextIO | None,
    force: bool,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Change what will be sent, and send it.

    With --set, with --payload, or in $EDITOR.
    Only an event that waits can be edited.  The audit keeps each change, old and new value, and so
    what there is of personal data in them.  Magento is not changed, and a newer change made there
    replaces the edit as long as it was not sent.  What the ERP may hold already is asked for first:
    if it has the order, it keeps what it has.

    \b
    Example:
      erp-sidecar queue edit 000000042 --set /shipping_address/city=Köln --reason "ERP: no Cologne"
    """
    if assignments and file:
        raise UsageError("--set and --payload exclude each other")
    with context.operations() as operations:
        draft = operations.draft(name)

        def act(text: str) -> Edit:
            return operations.edit(draft, text, by(reason), force=force, dry_run=dry_run)

        if file:
            done = act(file.read())
        elif assignments:
            done = act(draft.with_values(assignments))
        else:
            done = _in_editor(draft, act)
    _say_edit(draft, done, dry_run=dry_run, as_json=as_json)


def say(done: Done, verb: str, *, dry_run: bool, as_json: bool) -> None:
    """Tell what an act came to: `verb` is its result's name, as in already_<verb>."""
    if as_json:
        emit_json(
            {
                verb: len(done.events),
                f"already_{verb}": done.already,
                "left": done.left,
                "answers": done.answers,
                "documents": done.documents,
                "events": [event.event_id for event in done.events],
                "money": done.money,
                "dry_run": dry_run,
            }
        )
        return
    money = f", {amounts(done.money)}" if done.money else ""
    echo(f"{len(done.events)} event(s) {'would be ' if dry_run else ''}{verb}{money}")
    if done.already:
        echo(f"{done.already} event(s) already {verb}")
    if done.left:
        echo(f"{done.left} event(s) left")
    if done.answers:
        echo(f"{done.answers} answer(s) of the ERP will be written into Magento again")


def _say_edit(draft: Draft, edit: Edit, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        emit_json(
            {
                "event_id": draft.event_id,
                "document": document([draft.spec], draft.spec.kind, draft.increment_id),
                "result": "edited" if edit.changes else "unchanged",
                "changes": [asdict(change) for change in edit.changes],
                "problems": edit.problems,
                "dry_run": dry_run,
            }
        )
        return
    for change in edit.changes:
        echo(f"{change.path}: {change.old} → {change.new}")
    for problem in edit.problems:
        echo(f"! {problem}")
    result = "edited, and due" if edit.changes else "unchanged"
    echo(f"{draft.event_id} {'would be ' if dry_run else ''}{result}")


def _ask(done: Done) -> None:
    for event in done.events:
        echo(
            f"{name_of(specs(), event.kind, event.number)}  {event.type}  "
            f"{event.status}  {_amount(event)}",
            err=True,
        )
    confirm(f"Never send {len(done.events)} event(s), {amounts(done.money)}?")


def _in_editor(draft: Draft, act: Callable[[str], Edit]) -> Edit:
    """Edit until it may be sent or the operator gives up: a slip costs nobody his work."""
    written = pretty(draft.payload)
    while True:
        edited = click.edit(written, extension=".json")
        written = written if edited is None else edited
        try:
            return act(written)
        except BadData as error:
            echo_lines(str(error), err=True)
            confirm("Edit it again?", default=True)


def _amount(row: EventRow) -> str:
    return "-" if row.amount is None else f"{row.amount:.2f} {row.currency}"


def _due(row: EventRow) -> str:
    return f"due {text(row.due_at)}" if row.due_at else ""
