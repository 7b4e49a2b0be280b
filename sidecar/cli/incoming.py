"""`erp-sidecar incoming`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import click
from msgspec import structs

from sidecar.cli.context import Context, as_json, by, dry_run, reason, table, text
from sidecar.cli.domains import TELLING
from sidecar.cli.outlet import echo, emit_json
from sidecar.ledger.incoming_records import IncomingDetail, IncomingRecord
from sidecar.model.news import IncomingStatus

_HEADER = ("id", "domain", "number", "status", "of", "tries", "told", "what")
_STATUSES = get_args(IncomingStatus)
_TROUBLED = ("asked", "differs", "parked")


@click.group()
def incoming() -> None:
    """What the ERP said by itself (deliveries, statuses, stock, …) and what became of it."""


@incoming.command(name="list")
@click.option("--domain", type=TELLING, help="Of this domain only.")
@click.option("--status", "statuses", type=click.Choice(_STATUSES), multiple=True,
              help="In this status only; may be given several times.  [default: asked, differs, "
                   "parked]")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Whatever its status.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N",
              help="The N newest.")  # fmt: skip
@as_json
@click.pass_obj
def list_(
    context: Context,
    *,
    domain: str | None,
    statuses: tuple[str, ...],
    everything: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List what needs a look: what is in doubt, differs, or is parked, the newest first.

    \b
    Examples:
      erp-sidecar incoming list
      erp-sidecar incoming list --domain shipments --all
    """
    wanted = () if everything else statuses or _TROUBLED
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        found = sidecar.incoming.listed(domain=domain, statuses=wanted, limit=limit)
    if as_json:
        emit_json(found)
    else:
        table(_cells(found), _HEADER)


@incoming.command()
@click.argument("name", metavar="ID|NUMBER")
@as_json
@click.pass_obj
def show(context: Context, *, name: str, as_json: bool) -> None:
    """Show one news with all that the ERP said, and each version of it.

    \b
    Example:
      erp-sidecar incoming show L-1001
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        found, answering = sidecar.incoming.show(name), sidecar.answering
    if as_json:
        emit_json(
            [structs.asdict(news) | {"answers": answering.of([news.domain])} for news in found]
        )
        return
    for news in found:
        _show(news, answering.of([news.domain]))


@incoming.command()
@click.argument("names", nargs=-1, required=True, metavar="ID|NUMBER...")
@reason
@dry_run
@as_json
@click.pass_obj
def apply(
    context: Context, *, names: tuple[str, ...], reason: str | None, dry_run: bool, as_json: bool
) -> None:
    """Try news again at once, whatever rule of the configuration is against it.

    Of a whole run that waits, the next one may change as many levels as this one would.

    \b
    Example:
      erp-sidecar incoming apply L-1001 --reason "the order was released by hand"
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        done = sidecar.incoming.apply(names, by(reason), dry_run=dry_run)
    _report(done.news, done.already, "tried again", dry_run=dry_run, as_json=as_json)


@incoming.command()
@click.argument("names", nargs=-1, required=True, metavar="ID|NUMBER...")
@reason
@dry_run
@as_json
@click.pass_obj
def drop(
    context: Context, *, names: tuple[str, ...], reason: str | None, dry_run: bool, as_json: bool
) -> None:
    """End news that nothing is to become of.  What was applied stays.

    \b
    Example:
      erp-sidecar incoming drop L-1001 --reason "delivered and booked by hand"
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        done = sidecar.incoming.drop(names, by(reason), dry_run=dry_run)
    _report(done.news, done.already, "ended", dry_run=dry_run, as_json=as_json)


def _report(
    news: Sequence[IncomingRecord],
    already: Sequence[str],
    verb: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    if as_json:
        emit_json({"news": news, "already": already})
        return
    table(_cells(news), _HEADER)
    echo(f"{len(news)} news {'would be ' if dry_run else ''}{verb}")
    for name in already:
        echo(f"{name}: is applied or dropped already")


def _cells(found: Sequence[IncomingRecord]) -> list[tuple[object, ...]]:
    return [
        (
            news.id,
            news.domain,
            news.number,
            news.status,
            f"{news.kind} {news.entity_id}" if news.kind else None,
            news.tries,
            news.told_at,
            news.what,
        )
        for news in found
    ]


def _show(news: IncomingDetail, answers: str) -> None:
    echo(f"{news.domain} {news.number}  (id {news.id}, from {news.account})")
    of = f"{news.kind} {news.entity_id}" if news.kind else "nothing that is known yet"
    echo(f"  status    {news.status}, {news.tries} tries; about {of}")
    echo(f"  told      {text(news.told_at)}, heard {text(news.created_at)}")
    if news.due_at is not None:
        echo(f"  next try  {text(news.due_at)}")
    if news.document is not None:
        echo(f"  made      document {news.document} in Magento")
    if news.what:
        echo(f"  what      {text(news.what)}")
    if news.remedy:
        echo(f"  remedy    {text(news.remedy)}")
    if answers:
        echo(f"  answers   {text(answers)}")
    echo(f"  said      {text(bytes(news.payload).decode())}")
