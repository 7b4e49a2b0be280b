"""`erp-sidecar grants`."""

from __future__ import annotations

from pathlib import Path

import click

from sidecar.app.domains import specs
from sidecar.cli.context import Context, as_json
from sidecar.cli.install import installer_options, installing
from sidecar.cli.outlet import echo, echo_lines, emit_json
from sidecar.install.grants import Role, grants_for
from sidecar.model.errors import SidecarError


@click.group()
def grants() -> None:
    """The rights that this installation's database accounts need."""


@grants.command("print")
@click.option(
    "--for",
    "role",
    type=click.Choice([role.value for role in Role]),
    default=Role.DAEMON.value,
    show_default=True,
    help="Whose rights: the daemon's, or those of the account that installs.",
)
@click.option("--account", metavar="NAME@HOST", help="The account; else the configured name.")
@installer_options
@as_json
@click.pass_obj
def print_(
    context: Context,
    *,
    role: str,
    account: str | None,
    user: str | None,
    password_file: Path | None,
    magento_root: Path | None,
    socket: Path | None,
    as_json: bool,
) -> None:
    """Print them as statements, to be run by the database's administrator.

    It works before the account exists and where no server answers; of the tables that not every
    shop has it then prints comments.  An account that sees Magento's tables lets it look.

    \b
    Examples:
      erp-sidecar grants print
      erp-sidecar grants print --magento-root /var/www/magento
      erp-sidecar grants print --account erp_sidecar@10.0.0.7 | mysql
      erp-sidecar grants print --for installer --account erp_installer@localhost
    """
    settings = context.loaded.settings
    is_named = user is not None or magento_root is not None
    sees_all = is_named or settings.shop.database.magento_root is not None
    there = None
    try:
        with installing(context, user, password_file, magento_root, socket) as installer:
            there = installer.optional_tables()
    except SidecarError:
        if is_named:
            raise
    printed = grants_for(
        settings,
        Role(role),
        account,
        specs(),
        there=there or (),
        sees_all=sees_all and there is not None,
    )
    if as_json:
        emit_json({"user": printed.user, "statements": printed.statements})
        return
    for note in printed.notes:
        echo(f"-- {note}")
    for statement in printed.statements:
        echo_lines(f"{statement};")
