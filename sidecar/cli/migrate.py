"""`erp-sidecar migrate`."""

from __future__ import annotations

from pathlib import Path

import click

from sidecar.cli.context import Context, as_json, dry_run
from sidecar.cli.install import installer_options, installing
from sidecar.cli.outlet import echo, echo_lines, emit_json


@click.command()
@installer_options
@dry_run
@as_json
@click.pass_obj
def migrate(
    context: Context,
    *,
    user: str | None,
    password_file: Path | None,
    magento_root: Path | None,
    socket: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Bring the ledger's tables to this version; orders may flow meanwhile.

    'install' does it too; this command touches nothing but the ledger.  Forward only.

    \b
    Example:
      erp-sidecar migrate --dry-run       the plan: every statement, in order
    """
    with installing(context, user, password_file, magento_root, socket) as installer:
        ledger = installer.ledger
        pending = [f"{step.version:04d}_{step.name}" for step in ledger.pending()]
        statements = ledger.statements()
        if not dry_run:
            ledger.migrate()
    if as_json:
        emit_json({"migrations": pending, "statements": statements, "dry_run": dry_run})
        return
    if dry_run:
        echo_lines(";\n".join(statements) + ";" if statements else "nothing to do")
    else:
        echo(f"migrated: {', '.join(pending) or 'nothing to do'}")
