"""The files that a command of `adapter` is about: those named, else the configuration's."""

from __future__ import annotations

from pathlib import Path

from sidecar.app.erp_adapters import (
    adapter_settings_of,
    files_of_calls,
    open_contract,
    pack_named,
)
from sidecar.cli.context import Context
from sidecar.cli.erp_account import chosen_account
from sidecar.cli.interface import contract_at
from sidecar.model.errors import UsageError
from sidecar.ports import Contract


def configured_calls(context: Context, account: str | None) -> Path:
    """Its file of calls; raises UsageError where it has none."""
    settings = context.loaded.settings
    name = chosen_account(context, account)
    calls = settings.accounts[name].calls
    if calls is None:
        key = settings.key_of(name)
        raise UsageError(f"the configuration has no {key}.calls", "name the mapping: --calls FILE")
    return calls


def layered_calls(
    context: Context, calls: Path | None, erp: str | None, account: str | None
) -> tuple[Path, ...]:
    """The files of calls, lowest first: those that are named, else those of the configuration."""
    pack = () if erp is None else (pack_named(erp).calls,)
    if calls is not None or pack:
        return (*pack, *((calls,) if calls is not None else ()))
    settings = context.loaded.settings
    name = chosen_account(context, account)
    if not (found := files_of_calls(settings, name)):
        key = settings.key_of(name)
        raise UsageError(f"the configuration has no {key}.calls", "name the mapping: --calls FILE")
    return found


def opened_contract(context: Context, contract: str | None, account: str | None) -> Contract:
    """The interface description that is named, else the configuration's."""
    if contract not in (None, "-"):
        return contract_at(context, str(contract))
    loaded = context.loaded
    settings = loaded.settings
    name = chosen_account(context, account)
    wsdl = settings.accounts[name].wsdl
    if wsdl is None:
        raise UsageError(
            f"the configuration has no {settings.key_of(name)}.wsdl",
            "name the document: a WSDL, an OpenAPI or an EDMX file",
        )
    return open_contract(str(wsdl), adapter_settings_of(settings, name, origin=loaded.origin))
