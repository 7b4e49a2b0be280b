"""`erp-sidecar order replay`, and the same for each domain's noun."""

from __future__ import annotations

import click

from sidecar.cli.context import Context, amounts, as_json, by, dry_run
from sidecar.cli.moments import day_of
from sidecar.cli.outlet import echo, emit_json
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import UsageError
from sidecar.operate.replay import Range, Replayed


def replay_command(spec: DomainSpec) -> click.Command:
    """The command for one domain."""

    @click.argument("names", nargs=-1, metavar="[NUMBER|EVENT_ID]...")
    @click.option("--from", "first", metavar="DATE", help="All that were made on this day, or "
                  "later, by the shop's calendar.")  # fmt: skip
    @click.option("--until", "last", metavar="DATE", help="And not after this day.")
    @click.option("--to", "account", metavar="ACCOUNT",
                  help="To this ERP account, at once; else to its own, by the daemon.")  # fmt: skip
    @click.option("--even-if-booked", is_flag=True,
                  help="Although the ERP cannot tell what it has already.")  # fmt: skip
    @click.option("--limit", default=1000, show_default=True, type=click.IntRange(1, 100_000),
                  help="Refuse to send more than this.")  # fmt: skip
    @click.option("--reason", required=True, metavar="TEXT", help="Why; kept in the audit.")
    @dry_run
    @as_json
    @click.pass_obj
    def replay(
        context: Context,
        *,
        names: tuple[str, ...],
        first: str | None,
        last: str | None,
        account: str | None,
        even_if_booked: bool,
        limit: int,
        reason: str,
        dry_run: bool,
        as_json: bool,
    ) -> int:
        within = _within(first, last)
        if bool(names) == bool(within):
            raise UsageError(f"choose either {spec.noun} numbers, or --from and --until")
        with context.sidecar() as sidecar:
            sidecar.ledger.require_current()
            done = sidecar.replays(spec.name).replay(
                names,
                within,
                by(reason),
                to=account,
                most=limit,
                even_if_booked=even_if_booked,
                dry_run=dry_run,
            )
        _say(spec, done, dry_run=dry_run, as_json=as_json)
        return 2 if any(one.outcome not in _WELL for one in done.resent) else 0

    replay.__doc__ = f"""Send a {spec.noun} again that the ERP accepted: same words, id and name.

    Of a number the event that opened the document, as it was frozen; another one by its id.  To its
    own ERP account the daemon sends it, after it asked: what the ERP still has is kept, and nothing
    is sent.  To another account (a new ERP, a test system) it is sent at once, and nothing of what
    that one answers reaches Magento.

    \b
    Examples:
      erp-sidecar {spec.noun} replay 000000042 --reason "lost by the ERP's restore"
      erp-sidecar {spec.noun} replay --from 2026-11-01 --until 2026-11-30 --to test --reason "trial"
    """
    return click.command("replay")(replay)


#: What that account has now, for certain.
_WELL = ("accepted", "held", "duplicate")


def _within(first: str | None, last: str | None) -> Range | None:
    if first is None and last is None:
        return None
    if first is None or last is None:
        raise UsageError("--from and --until belong together")
    within = Range(day_of("--from", first), day_of("--until", last))
    if within.last < within.first:
        raise UsageError("--until is before --from")
    return within


def _say(spec: DomainSpec, done: Replayed, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        emit_json({"replayed": done, "dry_run": dry_run})
        return
    money = f", {amounts(done.money)}" if done.money else ""
    would = "would be sent" if dry_run else "sent" if done.resent else "will be sent"
    echo(f"{len(done.events)} {spec.noun}(s) {would} again to {done.account}{money}")
    for name, why in done.left_out.items():
        echo(f"left out: {name}: {why}")
    for one in done.resent:
        echo(f"{one.event_id} {one.outcome}: {one.message}")
