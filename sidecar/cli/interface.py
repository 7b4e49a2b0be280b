"""Interface descriptions that a command names by a file or an address."""

from __future__ import annotations

from sidecar.app.erp_adapters import connection_to, open_contract
from sidecar.cli.context import Context
from sidecar.ports import Contract


def contract_at(context: Context, source: str) -> Contract:
    """The named document; at an ERP account's own address it is fetched with its login."""
    is_address = source.startswith(("http://", "https://"))
    if not is_address or not context.config_path.exists():
        return open_contract(source)
    loaded = context.loaded
    return open_contract(source, connection_to(loaded.settings, source, origin=loaded.origin))
