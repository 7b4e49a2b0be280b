"""`erp-sidecar calendar`."""

from __future__ import annotations

import click

from sidecar.cli.context import Context, as_json, by, table, text
from sidecar.cli.outlet import echo, emit_json
from sidecar.operate.calendar import CutOffList, PeriodChanged

_period = click.argument("period", metavar="YYYY-MM")
_why = click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the audit.")
#: What becomes of a document of a closed period, in words (posting.when_closed).
_RULES = {"wait": "wait", "next_open": "go, posted on the first open day", "send": "go as they are"}


@click.group()
def calendar() -> None:
    """Posting periods: close and open months, list them, and what came too late for one."""


@calendar.command()
@_period
@_why
@as_json
@click.pass_obj
def close(context: Context, *, period: str, reason: str, as_json: bool) -> None:
    """Close a month: documents of it that the ERP does not have wait, or are posted later.

    Which of the two says domains.NAME.posting.  What is at the ERP at this moment goes on.  A
    change of what the ERP has already is sent as ever.

    \b
    Example:
      erp-sidecar calendar close 2026-11 --reason "month end, FIN-2026-11"
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        done = sidecar.calendar.close(period, by(reason))
    _say(done, "closed", as_json=as_json)


@calendar.command(name="open")
@_period
@_why
@as_json
@click.pass_obj
def open_(context: Context, *, period: str, reason: str, as_json: bool) -> None:
    """Open a month again: what waits for it goes, by itself.

    \b
    Example:
      erp-sidecar calendar open 2026-11 --reason "two orders were missing"
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        done = sidecar.calendar.open(period, by(reason))
    _say(done, "open", as_json=as_json)


@calendar.command(name="list")
@as_json
@click.pass_obj
def list_(context: Context, *, as_json: bool) -> None:
    """List the closed months, with what waits for each.

    \b
    Example:
      erp-sidecar calendar list
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        closed = sidecar.calendar.closed()
    if as_json:
        emit_json(closed)
        return
    table(
        [(one.period, one.closed_at, one.closed_by, one.waiting, one.reason) for one in closed],
        ("period", "closed", "by", "waiting", "reason"),
    )


@calendar.command()
@_period
@as_json
@click.pass_obj
def cutoff(context: Context, *, period: str, as_json: bool) -> None:
    """Show what of a month the ERP did not have when it was closed, with the money.

    What still waits, for whatever reason, and what was sent after the cut: the moment when it was
    closed, or its end where it is open.

    \b
    Example:
      erp-sidecar calendar cutoff 2026-11
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        found = sidecar.calendar.cut_off(period)
    if as_json:
        emit_json(found)
        return
    _print(found)


def _say(done: PeriodChanged, state: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(done)
        return
    echo(f"period {done.period} is {state}" + ("" if done.changed else " already"))
    if done.closed_by:
        echo(f"it had been closed by {done.closed_by}")
    if done.woken:
        echo(f"{done.woken} event(s) that waited for it are looked at again")
    if state == "closed":
        for domain, rule in done.domains.items():
            echo(f"  {domain} of it that the ERP does not have {_RULES[rule]}")


def _print(found: CutOffList) -> None:
    echo(
        f"period {found.period}, cut {text(found.cut)} UTC "
        f"({'closed' if found.closed else 'its end: it is open'})"
    )
    for one in found.sums:
        what = "wait" if one.waits else "were sent after the cut"
        echo(f"{one.documents} of {one.domain} {what}: {one.amount:.2f} {one.currency or ''}")
    if not found.documents:
        echo("nothing: the ERP had all of it")
        return
    table(
        [
            (
                one.number,
                one.domain,
                one.status,
                one.made_at,
                one.amount,
                one.currency,
                one.sent_at,
                one.posting_date,
                one.why,
            )
            for one in found.documents
        ],
        ("number", "domain", "status", "made", "amount", "", "sent", "posted as of", "why"),
    )
