"""SAP S/4HANA, entry point `sap_s4`: the OData adapter with a file of calls of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from adapters.odata import generic
from sidecar.ports import AdapterSettings, ErpAdapter

CALLS = Path(__file__).with_name("calls.yaml")


def create(settings: AdapterSettings) -> ErpAdapter:
    """The adapter for one system.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """
    return generic.create(replace(settings, calls=settings.calls or CALLS))
