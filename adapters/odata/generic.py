"""The generic OData adapter, entry point `odata.generic`: its calls are requests of services."""

from __future__ import annotations

from adapters.calls.dialect import Dialect
from adapters.calls.generic import GenericAdapter
from adapters.calls.mapping import read_calls
from adapters.calls.overlay import read_overlaid
from adapters.http.transport import Request
from adapters.odata.answer import RESPONSE
from adapters.odata.call import AnyCall, BatchEnvelope, ODataCalls
from adapters.odata.session import ODataTransport
from sidecar.model.errors import ConfigurationError
from sidecar.ports import AdapterSettings, ErpAdapter


def create(settings: AdapterSettings) -> ErpAdapter:
    """The adapter for one ERP account.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """
    if not settings.files_of_calls:
        raise ConfigurationError("erp.calls is missing", "name the file of calls under erp.calls")
    if not settings.url:
        raise ConfigurationError("erp.url is missing", "write the ERP's address under erp.url")
    document = read_overlaid(settings.files_of_calls)
    calls = read_calls(document, document.path.name, dialect(), settings.domains, settings.secrets)
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
