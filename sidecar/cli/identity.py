"""`erp-sidecar identity`."""

from __future__ import annotations

import click

from sidecar.cli.context import Context, as_json, by, dry_run, table, text
from sidecar.cli.outlet import confirm, echo, emit_json
from sidecar.operate.identification import Compared, plain

_why = click.option("--reason", metavar="TEXT", required=True, help="Why; kept in the audit.")


@click.group()
def identity() -> None:
    """Whether this is the system that was installed, or a copy of its database."""


@identity.command()
@as_json
@click.pass_obj
def show(context: Context, *, as_json: bool) -> int:
    """Show what was recorded, what is there now, and what differs.

    Exits 2 while nothing is sent because of it.

    \b
    Example:
      erp-sidecar identity show
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        found = sidecar.identification.look()
    if as_json:
        emit_json(plain(found))
    else:
        _print(found)
    return 0 if found.judgement.may_send else 2


@identity.command()
@_why
@click.option("--yes", is_flag=True, help="Do not ask.")
@dry_run
@as_json
@click.pass_obj
def accept(context: Context, *, reason: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Say that this is the system that was installed, under new circumstances.

    A running daemon goes on within seconds: what waits is sent to the configured ERP.

    \b
    Example:
      erp-sidecar identity accept --reason "the database moved to db2"
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        before = sidecar.identification.look()
        if not (yes or dry_run):
            _show_differences(before)
            confirm(
                f"From here documents go to {_erps(before)}. Is this the one system that shall "
                "send them?"
            )
        _said(sidecar.identification.accept(by(reason), dry_run=dry_run), as_json, dry_run)


@identity.command(name="is-copy")
@_why
@dry_run
@as_json
@click.pass_obj
def is_copy(context: Context, *, reason: str, dry_run: bool, as_json: bool) -> None:
    """Say that this is a copy: it never sends to the ERP of the original.

    Set the address of each ERP account (erp.url) to a test ERP, and the copy becomes a test
    system; while one of them is the original's, nothing is sent.  Made for the script that restores
    staging every night.

    \b
    Example:
      erp-sidecar identity is-copy --reason "nightly staging"
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        _said(sidecar.identification.declare_copy(by(reason), dry_run=dry_run), as_json, dry_run)


def _said(after: Compared, as_json: bool, dry_run: bool) -> None:
    if as_json:
        emit_json({**plain(after), "dry_run": dry_run})
        return
    if dry_run:
        _show_differences(after)
        echo("nothing was changed")
    elif after.judgement.may_send:
        echo(f"recorded: documents go to {_erps(after)}")
    else:
        echo(f"recorded; nothing is sent: {after.judgement.why}")
        echo(f"  remedy: {after.judgement.remedy}")


def _print(found: Compared) -> None:
    judgement, recorded = found.judgement, found.recorded
    echo(f"standing  {judgement.standing.value}{'' if judgement.may_send else ': NOTHING IS SENT'}")
    if recorded is not None:
        why = f": {recorded.reason}" if recorded.reason else ""
        echo(f"recorded  {text(recorded.recorded_at)} by {recorded.recorded_by}{why}")
        if recorded.is_copy:
            echo(f"copy      of a system whose ERP is {', '.join(sorted(recorded.original_erps))}")
        if beat := recorded.beat:
            echo(f"daemon    {beat.owner}, last alive {text(beat.at)}")
    echo(f"server    {found.present.server}")
    echo(f"shop      {', '.join(sorted(found.present.base_urls)) or '-'}")
    echo(f"erp       {_erps(found)}")
    _show_differences(found)
    if not judgement.may_send:
        echo(f"! {judgement.why}")
        echo(f"  remedy: {judgement.remedy}")


def _erps(compared: Compared) -> str:
    return ", ".join(f"{address} ({name})" for name, address in compared.present.erps.items())


def _show_differences(found: Compared) -> None:
    changes = found.judgement.changes
    if changes:
        rows = [(change.fact, change.recorded, change.present) for change in changes]
        table(rows, ("differs", "recorded", "now"))
