"""`erp-sidecar grants`."""

from __future__ import annotations

import click

from sidecar.app.domains import specs
from sidecar.cli.context import Context, as_json
from sidecar.cli.outlet import echo, echo_lines, emit_json
from sidecar.install.grants import Role, grants_for


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
@as_json
@click.pass_obj
def print_(context: Context, *, role: str, account: str | None, as_json: bool) -> None:
    """Print them as statements, to be run by the database's administrator.

    Asks no server: it works before the account exists.

    \b
    Examples:
      erp-sidecar grants print
      erp-sidecar grants print --account erp_sidecar@10.0.0.7 | mysql
      erp-sidecar grants print --for installer --account erp_installer@localhost
    """
    printed = grants_for(context.loaded.settings, Role(role), account, specs())
    if as_json:
        emit_json({"account": printed.account, "statements": printed.statements})
        return
    for note in printed.notes:
        echo(f"-- {note}")
    for statement in printed.statements:
        echo_lines(f"{statement};")
