"""Which ERP account of the configuration a command means."""

from __future__ import annotations

import click

from sidecar.cli.context import Context
from sidecar.model.errors import UsageError

account_option = click.option(
    "--account", metavar="NAME", help="Which ERP account of the configuration, of several (erps)."
)


def chosen_account(context: Context, account: str | None) -> str:
    """The ERP account that is meant; raises UsageError where that is not clear."""
    accounts = context.loaded.settings.accounts
    names = ", ".join(sorted(accounts))
    if account is None and len(accounts) > 1:
        raise UsageError("there are several ERP accounts", f"name one: --account, of {names}")
    name = account or next(iter(accounts))
    if name not in accounts:
        raise UsageError(f"there is no ERP account {name}", f"there are {names}")
    return name
