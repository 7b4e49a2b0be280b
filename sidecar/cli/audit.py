"""`erp-sidecar audit`."""

from __future__ import annotations

import json

import click
from msgspec.structs import asdict

from sidecar.cli.context import Context, as_json, table
from sidecar.cli.moments import moment_of
from sidecar.cli.outlet import emit_json
from sidecar.ledger.records import Records


@click.group()
def audit() -> None:
    """Who did what and why: every act of an operator that changed something."""


@audit.command(name="list")
@click.option("--order", metavar="NUMBER", help="Only what was done to this order.")
@click.option("--since", metavar="WHEN", help="2d, 12h, or a time such as 2026-11-24T06:00 (UTC).")
@click.option("--who", metavar="LOGIN", help="Only what this person did.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000),
              help="The newest so many.")  # fmt: skip
@as_json
@click.pass_obj
def list_(
    context: Context,
    *,
    order: str | None,
    since: str | None,
    who: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List acts, newest first.

    What exactly an edit changed, old and new value, is in --json and in order show.

    \b
    Examples:
      erp-sidecar audit list --since 2d
      erp-sidecar audit list --order 000000042 --json
      erp-sidecar audit list --who ada --limit 10
    """
    begin = moment_of("--since", since) if since else None
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        with sidecar.database.transaction("reading the audit") as connection:
            acts = Records(sidecar.store.tables).audit(
                connection, subject=order, who=who, since=begin, limit=limit
            )
    if as_json:
        emit_json([asdict(act) | {"detail": json.loads(act.detail or "null")} for act in acts])
        return
    table(
        [(act.at, act.who, act.command, act.subject, act.reason) for act in acts],
        ("at", "who", "command", "subject", "reason"),
    )
