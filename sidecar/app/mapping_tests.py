"""Adapters for the cases of a file of calls: made of files alone, without any secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, get_args
from zoneinfo import ZoneInfo

from sidecar.app import packages
from sidecar.app.domains import specs
from sidecar.app.erp_adapters import MakeAdapter
from sidecar.model.errors import ConfigurationError, UsageError
from sidecar.model.secret import Secret
from sidecar.operate.rehearsal.case import REMEDY, Head
from sidecar.ports import AdapterSettings, ErpAdapter, Rehearsing, ShopContext
from sidecar.settings.erp import Auth
from sidecar.settings.fields import SecretRef, closest
from sidecar.settings.schema import Settings

#: Reserved: an adapter that would call it all the same reaches nobody.
_NOBODY = "https://erp.invalid"
_STAND_IN = "***"
#: A login that is written into each call by the adapter: without it there is no call.
_IN_EACH_CALL = ("netsuite_token",)


def head_from(settings: Settings, account: str) -> Head:
    """What the configuration says of an account's adapter, for a new file of cases."""
    erp = settings.accounts[account]
    ways = erp.auth.model_dump(exclude_none=True)
    return Head(
        adapter=erp.adapter,
        shop=ShopContext(settings.shop.name, ZoneInfo(settings.shop.timezone)),
        wsdl=None if erp.wsdl is None else Path(str(erp.wsdl)),
        auth=next((way for way in _IN_EACH_CALL if way in ways), None),
        secrets=tuple(erp.secrets),
    )


def adapter_for(head: Head, calls: Path) -> tuple[ErpAdapter, Rehearsing]:
    """The adapter, to be closed, and the same as what can be rehearsed with.

    Raises ConfigurationError, also for a file of calls with problems.
    """
    entries = packages.named(packages.ADAPTERS, "an adapter")
    if head.adapter not in entries:
        raise ConfigurationError(
            f"there is no adapter {head.adapter!r}{closest(head.adapter, entries)}", REMEDY
        )
    make: MakeAdapter = packages.load(entries[head.adapter])
    adapter = make(
        AdapterSettings(
            url=_NOBODY,
            connect_timeout=1.0,
            read_timeout=1.0,
            shop=head.shop,
            calls=calls,
            wsdl=None if head.wsdl is None else str(head.wsdl),
            auth=_login(head.auth),
            secrets={name: Secret(_STAND_IN) for name in head.secrets},
            domains=specs(),
        )
    )
    if isinstance(adapter, Rehearsing):
        return adapter, adapter
    adapter.close()
    raise UsageError(f"the adapter {head.adapter} cannot be tried without the ERP")


def _login(way: str | None) -> Mapping[str, Any]:
    """Nobody's."""
    if way is None:
        return {}
    if way not in _IN_EACH_CALL:
        told = ", ".join(_IN_EACH_CALL)
        raise ConfigurationError(
            f"erp.auth: {way} is no part of the calls; there is {told}", "take it out"
        )
    login = next(one for one in get_args(Auth.model_fields[way].annotation) if one is not NoneType)
    return {
        way: {
            name: Secret(_STAND_IN) if field.annotation is SecretRef else _STAND_IN
            for name, field in login.model_fields.items()
        }
    }
