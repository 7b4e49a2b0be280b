"""`erp-sidecar install` and `uninstall`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sidecar.app.installer import Installer
from sidecar.cli.context import Context, as_json, dry_run, reason
from sidecar.cli.outlet import confirm, echo, echo_lines, emit_json
from sidecar.host.process import operator
from sidecar.install.installation import in_words
from sidecar.model.secret import Secret
from sidecar.settings.fields import SecretRef
from sidecar.settings.secrets import resolve

_OPTIONS = (
    click.option(
        "--user", metavar="NAME", help="Database account that may create the schema and triggers."
    ),
    click.option(
        "--password-file",
        type=click.Path(path_type=Path),
        help="File (mode 0600) with that account's password.",
    ),
    click.option(
        "--socket",
        type=click.Path(path_type=Path),
        help="Log in by this Unix socket: for an account without a password, such as root.",
    ),
    click.option(
        "--magento-root",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Use the account in this Magento's app/etc/env.php.",
    ),
)


def installer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name an account with more rights than the daemon's."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextmanager
def installing(
    context: Context,
    user: str | None,
    password_file: Path | None,
    magento_root: Path | None,
    socket: Path | None,
) -> Iterator[Installer]:
    """An installer with the account that the options name, closed at the end."""
    password = None
    if user is not None:
        password = resolve(SecretRef(file=password_file)).secret if password_file else Secret("")
    with context.sidecar() as sidecar:
        installer = Installer(
            sidecar, user=user, password=password, magento_root=magento_root, socket=socket
        )
        try:
            yield installer
        finally:
            installer.close()


@click.command()
@installer_options
@click.option(
    "--existing-orders",
    type=click.Choice(["ignore", "send"]),
    default="ignore",
    show_default=True,
    help="What to do with orders that are in the shop already.",
)
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
    existing_orders: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Create the ledger, register the order statuses, create the triggers.

    Checks everything first; a failing install is undone.  Repeating it repairs what is missing.
    The daemon's own database user needs few rights; give one with more for this command only.

    \b
    Examples:
      erp-sidecar install --dry-run
      erp-sidecar install --user root --password-file /root/.db-password
      erp-sidecar install --magento-root /var/www/magento
    """
    with installing(context, user, password_file, magento_root, socket) as installer:
        installation = installer.installation()
        if dry_run:
            statements = installation.statements()
            if as_json:
                emit_json({"statements": statements})
            else:
                echo_lines(";\n".join(statements) + ";" if statements else "nothing to do")
            return
        done = installation.install(
            who=operator(),
            send_existing=existing_orders == "send",
            tell=lambda line: None if as_json else echo(line),
        )
    if as_json:
        emit_json(asdict(done))
    else:
        following = "identity show" if done.not_sending else "run"
        echo(f"installed; next: erp-sidecar {following}")


@click.command()
@installer_options
@click.option("--drop-ledger", is_flag=True, help="Drop the ledger too: all memory is lost.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@reason
@dry_run
@as_json
@click.pass_obj
def uninstall(
    context: Context,
    *,
    user: str | None,
    password_file: Path | None,
    magento_root: Path | None,
    socket: Path | None,
    drop_ledger: bool,
    yes: bool,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove the triggers, then the order statuses that no order carries.

    The ledger, which remembers what passed, stays unless --drop-ledger is given.

    \b
    Examples:
      erp-sidecar uninstall --dry-run --user root --password-file /root/.db-password
      erp-sidecar uninstall --user root --password-file /root/.db-password --reason "shop closed"
    """
    with installing(context, user, password_file, magento_root, socket) as installer:
        installation = installer.installation()
        if dry_run:
            planned = installation.removal(drop_ledger=drop_ledger)
            if as_json:
                emit_json({"would": planned})
            else:
                echo_lines("\n".join(planned) or "nothing to do")
            return
        if drop_ledger and not yes:
            left = in_words(installation.unfinished())
            confirm(
                f"Drop the ledger and with it the proof of what was sent{left and f', and {left}'}?"
            )
        done = installation.uninstall(who=operator(), reason=reason, drop_ledger=drop_ledger)
    if as_json:
        emit_json(asdict(done))
        return
    echo(f"triggers removed: {', '.join(done.triggers) or 'none were there'}")
    echo(f"statuses removed: {', '.join(done.statuses.removed) or 'none'}")
    for code, orders in done.statuses.still_used.items():
        echo(f"status {code} stays: {orders} order(s) carry it")
    left = in_words(done.unfinished)
    echo(f"ledger dropped{left and f', with {left}'}" if done.ledger_dropped else "ledger kept")
