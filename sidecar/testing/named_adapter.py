"""The conformance kit over an adapter that is named from outside; `run_contract` runs it.

What is to be tested stands in the environment: pytest imports this file by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from sidecar.app.packages import ADAPTERS
from sidecar.model.errors import UsageError
from sidecar.ports import ErpAdapter
from sidecar.testing.adapter_contract import AdapterContract
from sidecar.testing.contract_calls import Erp
from sidecar.testing.erpsim import WSDL

ADAPTER, CALLS, ERP = "ERP_SIDECAR_ADAPTER", "ERP_SIDECAR_CALLS", "ERP_SIDECAR_ERP"
SOAP = "ERP_SIDECAR_SOAP"


class TestAdapter(AdapterContract):
    """Every test of the kit."""

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        calls = os.environ.get(CALLS)
        factory = adapter_factory(os.environ[ADAPTER])
        further: dict[str, Any] = {"calls": Path(calls) if calls else None}
        if port := os.environ.get(SOAP):
            url, further["wsdl"] = f"{url}/soap/{port}", str(WSDL)
        settings = self.adapter_settings(url, read_timeout, **further)
        adapter: ErpAdapter = factory(settings)
        return adapter

    @classmethod
    def start_erp(cls) -> AbstractContextManager[Erp]:
        named = os.environ.get(ERP)
        if not named:
            return super().start_erp()
        started: AbstractContextManager[Erp] = imported(named)()
        return started


def adapter_factory(name: str) -> Callable[[Any], Any]:
    """The factory that an entry point names, or `module:function`.  Raises UsageError."""
    if ":" in name:
        return imported(name)
    found = {entry.name: entry for entry in entry_points(group=ADAPTERS)}
    if name not in found:
        raise UsageError(
            f"there is no adapter {name}",
            f"installed are {', '.join(sorted(found))}; or name its factory: module:function",
        )
    factory: Callable[[Any], Any] = found[name].load()
    return factory


def imported(place: str) -> Callable[..., Any]:
    """What `module:name` is.  Raises UsageError."""
    module, _, name = place.partition(":")
    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"{place}: {error}", "write module:function") from error
    return found
