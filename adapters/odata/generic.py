"""The generic OData adapter, entry point `odata.generic`: its calls are requests of services."""

from __future__ import annotations

from adapters.calls.dialect import Dialect
from adapters.calls.generic import GenericAdapter
from adapters.calls.mapping import read_calls
from adapters.http.transport import Request
from adapters.odata.answer import RESPONSE
from adapters.odata.call import AnyCall, BatchEnvelope, ODataCalls
from adapters.odata.session import ODataTransport
from sidecar.documents import read_document
from sidecar.model.errors import ConfigurationError
from sidecar.ports import AdapterSettings, ErpAdapter


def create(settings: AdapterSettings) -> ErpAdapter:
    """The adapter for one ERP account.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """
    if settings.calls is None:
        raise ConfigurationError("erp.calls is missing", "name the file of calls under erp.calls")
    if not settings.url:
        raise ConfigurationError("erp.url is missing", "write the ERP's address under erp.url")
    document = read_document(settings.calls)
    calls = read_calls(document, settings.calls.name, dialect(), settings.domains, settings.secrets)
    harmless = Request("HEAD", "", asks=True)
    return GenericAdapter[AnyCall](calls, ODataTransport(settings), settings, harmless)


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
