"""`erp-sidecar backfill`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

import click

from sidecar.cli.context import Context, amounts, as_json, by, dry_run, reason, text
from sidecar.cli.domains import NAMES
from sidecar.cli.moments import day_of
from sidecar.cli.outlet import echo, emit_json
from sidecar.model.errors import UsageError
from sidecar.operate.backfill import BackfillOperations, BackfillStanding, Planned, Wanted

#: Numbers that are told one by one.
_SHOWN = 10


@click.command()
@click.argument("domain", type=NAMES)
@click.argument("numbers", nargs=-1, metavar="[NUMBER]...")
@click.option("--since", metavar="DATE",
              help="All that the shop made on that day of its calendar, or later.")  # fmt: skip
@click.option("--until", metavar="DATE", help="And not after this day.")
@click.option("--file", type=click.File(encoding="utf-8"),
              help="Numbers, one a line; - reads standard input.")  # fmt: skip
@click.option("--rate", metavar="N/min", help="No more than N documents a minute.")
@click.option("--even-if-booked", is_flag=True,
              help="Although the ERP cannot tell what it has already.")  # fmt: skip
@click.option("--status", "mode", flag_value="status", help="How far the newest backfill came.")
@click.option("--cancel", "mode", flag_value="cancel", help="Let no more of it go.")
@click.option("--resume", "mode", flag_value="resume", help="Go on with a canceled one.")
@reason
@dry_run
@as_json
@click.pass_obj
def backfill(
    context: Context,
    *,
    domain: str,
    numbers: tuple[str, ...],
    since: str | None,
    until: str | None,
    file: TextIO | None,
    rate: str | None,
    even_if_booked: bool,
    mode: str | None,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send documents that were in the shop before the sidecar as if they were new.

    Those that were never sent, and of which nothing waits.  The daemon sends them, a handful at a
    time and only while nothing else waits for the same ERP account; after a crash it goes on where
    it was.  The ERP is asked for each of them first: what it has is taken over and not sent.

    \b
    Examples:
      erp-sidecar backfill orders --since 2026-01-01 --dry-run
      erp-sidecar backfill orders --since 2026-01-01 --until 2026-03-31 --rate 60/min
      erp-sidecar backfill orders --status
    """
    wanted = _wanted(numbers, since, until, file)
    if mode and (wanted is not None or rate or even_if_booked or dry_run):
        raise UsageError(f"--{mode} stands alone")
    if mode is None and wanted is None:
        raise UsageError("say which: --since, --file or numbers", "or --status")
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        operations = sidecar.backfills
        if wanted is None:
            standing = _act(operations, domain, mode, reason)
            _say_standing(domain, standing, as_json=as_json)
            return
        planned = operations.begin(
            domain,
            wanted,
            by(reason),
            per_minute=_per_minute(rate),
            even_if_booked=even_if_booked,
            dry_run=dry_run,
        )
    _say_planned(planned, dry_run=dry_run, as_json=as_json)


def _act(
    operations: BackfillOperations, domain: str, mode: str | None, reason: str | None
) -> BackfillStanding | None:
    if mode == "cancel":
        return operations.cancel(domain, by(reason))
    if mode == "resume":
        return operations.resume(domain, by(reason))
    return operations.standing(domain)


def _wanted(
    numbers: Sequence[str], since: str | None, until: str | None, file: TextIO | None
) -> Wanted | None:
    """What is chosen; None where nothing is.  Raises UsageError for several ways at once."""
    if sum(map(bool, (numbers, since or until, file))) > 1:
        raise UsageError("choose either --since and --until, or --file, or numbers")
    if until and not since:
        raise UsageError("--until needs --since")
    if since:
        first, last = day_of("--since", since), day_of("--until", until) if until else None
        if last is not None and last < first:
            raise UsageError("--until is before --since")
        return Wanted(first, last)
    named = tuple(numbers) if file is None else tuple(line.strip() for line in file)
    chosen = tuple(dict.fromkeys(one for one in named if one and not one.startswith("#")))
    if file is not None and not chosen:
        raise UsageError("the file has no number")
    return Wanted(numbers=chosen) if chosen else None


def _per_minute(rate: str | None) -> int | None:
    if rate is None:
        return None
    count, slash, unit = rate.partition("/")
    if (slash and unit != "min") or not count.isascii() or not count.isdecimal() or not int(count):
        raise UsageError(f"--rate {rate}: no rate", "write 60/min")
    return int(count)


def _say_planned(planned: Planned, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        emit_json({"planned": planned, "dry_run": dry_run})
        return
    money = f", {amounts(planned.money)}" if planned.money else ""
    made = f", made {text(planned.first)} … {text(planned.last)}" if planned.documents else ""
    echo(f"{planned.documents} of {planned.domain}{made}{money}")
    if planned.left_out:
        shown = ", ".join(planned.left_out[:_SHOWN])
        more = len(planned.left_out) - _SHOWN
        echo(f"left out (not known, sent before, or waiting): {shown}{' …' if more > 0 else ''}")
    if planned.backfill is not None:
        echo(
            f"backfill {planned.backfill}: the daemon sends them, behind all that is new "
            f"(erp-sidecar backfill {planned.domain} --status)"
        )


def _say_standing(domain: str, standing: BackfillStanding | None, *, as_json: bool) -> None:
    if as_json:
        emit_json({"backfill": standing})
    elif standing is None:
        echo(f"there was no backfill of {domain}")
    else:
        echo(f"backfill {standing.backfill} of {domain}: {standing.state}; {told(standing)}")


def told(standing: BackfillStanding) -> str:
    """How far it came, in a line."""
    rate = f"; {standing.per_minute}/min at the most" if standing.per_minute else ""
    return (
        f"{standing.documents} document(s): {standing.waiting} to come, {standing.under_way} under "
        f"way, {standing.accepted} accepted, {standing.refused} refused or parked, "
        f"{standing.left_out} with nothing to send{rate}"
    )
