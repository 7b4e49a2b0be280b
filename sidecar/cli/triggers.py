"""`erp-sidecar triggers`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from sidecar.capture.triggers import State
from sidecar.cli.context import Context, as_json, dry_run, table
from sidecar.cli.install import installer_options, installing
from sidecar.cli.outlet import echo, echo_lines, emit_json
from sidecar.host.process import operator


@click.group()
def triggers() -> None:
    """Plan, install, verify, suspend and remove the triggers that point at changes."""


@triggers.command()
@as_json
@click.pass_obj
def plan(context: Context, *, as_json: bool) -> None:
    """Show which triggers this shop gets, which tables are avoided and why.

    \b
    Example:
      erp-sidecar triggers plan
    """
    with context.sidecar() as sidecar:
        planned = sidecar.triggers.plan()
    if as_json:
        emit_json(asdict(planned))
        return
    echo(f"definer: {planned.definer}")
    for trigger in planned.planned:
        echo(f"  create  {trigger.name}")
    for avoided in planned.avoided:
        echo(f"  avoid   {avoided.table}: {avoided.why}")
    for lost in planned.lost:
        echo(f"  sweep   {lost.watch.table}: {lost.why}")


@triggers.command()
@as_json
@click.pass_obj
def status(context: Context, *, as_json: bool) -> int:
    """Compare the server's triggers with the plan; exit 2 when they differ.

    \b
    Example:
      erp-sidecar triggers status
    """
    with context.sidecar() as sidecar:
        sidecar.ledger.require_current()
        states = sidecar.triggers.status()
        suspension = sidecar.triggers.suspension()
    amiss = [state for state in states if state.state is not State.OK]
    if as_json:
        emit_json({"suspension": suspension, "triggers": states})
    else:
        if suspension:
            echo(f"suspended by {suspension.who} since {suspension.since}: {suspension.why}")
        table(
            [(state.name, state.table, state.state.value, state.detail) for state in states],
            ("trigger", "table", "state", "detail"),
        )
    return 2 if amiss else 0


@triggers.command()
@installer_options
@dry_run
@as_json
@click.pass_obj
def install(
    context: Context,
    *,
    user: str | None,
    password_file: Path | None,
    magento_root: Path | None,
    socket: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Create what is missing, replace what drifted.

    \b
    Example:
      erp-sidecar triggers install --dry-run --user root --password-file /root/.db-password
    """
    with installing(context, user, password_file, magento_root, socket) as installer:
        if dry_run:
            statements = installer.triggers.statements()
            if as_json:
                emit_json({"statements": statements})
            else:
                echo_lines(";\n".join(statements) or "nothing to do")
            return
        mended = installer.triggers.install()
    _names([state.name for state in mended], "installed", as_json=as_json)


@triggers.command()
@installer_options
@click.option("--reason", required=True, metavar="TEXT", help="Why, shown until they resume.")
@as_json
@click.pass_obj
def suspend(
    context: Context,
    *,
    user: str | None,
    password_file: Path | None,
    magento_root: Path | None,
    socket: Path | None,
    reason: str,
    as_json: bool,
) -> None:
    """Take the triggers off for a deploy; the sweep goes on.  Then: triggers resume.

    \b
    Example:
      erp-sidecar triggers suspend --reason "deploy" --magento-root /var/www/magento
    """
    with installing(context, user, password_file, magento_root, socket) as installer:
        dropped = installer.triggers.suspend(operator(), reason)
    _names(dropped, "suspended", as_json=as_json)


@triggers.command()
@installer_options
@as_json
@click.pass_obj
def resume(
    context: Context,
    *,
    user: str | None,
    password_file: Path | None,
    magento_root: Path | None,
    socket: Path | None,
    as_json: bool,
) -> None:
    """Put the triggers on again after a deploy; what they missed the sweep finds.

    \b
    Example:
      erp-sidecar triggers resume --magento-root /var/www/magento
    """
    with installing(context, user, password_file, magento_root, socket) as installer:
        mended = installer.triggers.resume()
    _names([state.name for state in mended], "resumed", as_json=as_json)


@triggers.command()
@installer_options
@dry_run
@as_json
@click.pass_obj
def remove(
    context: Context,
    *,
    user: str | None,
    password_file: Path | None,
    magento_root: Path | None,
    socket: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Drop every trigger of ours; also sql/emergency-drop.sql, when the daemon is gone.

    \b
    Examples:
      erp-sidecar triggers remove --dry-run
      erp-sidecar triggers remove --user root --password-file /root/.db-password
    """
    with installing(context, user, password_file, magento_root, socket) as installer:
        if dry_run:
            there = [
                state.name
                for state in installer.triggers.status()
                if state.state is not State.MISSING
            ]
            _names(there, "would remove", as_json=as_json)
            return
        dropped = installer.triggers.remove()
    _names(dropped, "removed", as_json=as_json)


def _names(names: list[str], verb: str, *, as_json: bool) -> None:
    if as_json:
        emit_json({verb.replace(" ", "_"): names})
    else:
        echo(f"{verb}: {', '.join(names) or 'nothing to do'}")
