"""The generic OData adapter, entry point `odata.generic`: its calls are requests of services."""

from __future__ import annotations

from adapters.calls.dialect import Dialect
from adapters.odata.answer import RESPONSE
from adapters.odata.call import AnyCall, BatchEnvelope, ODataCalls
from adapters.odata.session import ODataTransport
from adapters.rest.generic import adapter_of
from sidecar.ports import AdapterSettings, ErpAdapter


def create(settings: AdapterSettings) -> ErpAdapter:
    """The adapter for one ERP account.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """
    return adapter_of(settings, lambda _document: dialect(), ODataTransport)


def dialect() -> Dialect[AnyCall]:
    """How a file of calls for OData is read."""
    calls = ODataCalls()
    return Dialect(
        RESPONSE,
        calls.read,
        ODataCalls.KEYS,
        calls.begin,
        none_is_nothing=False,
        envelope=BatchEnvelope(),
    )
