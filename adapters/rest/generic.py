"""The generic REST adapter, entry point `rest.generic`: its calls are HTTP requests."""

from __future__ import annotations

from collections.abc import Callable

from adapters.calls.dialect import Dialect
from adapters.calls.generic import GenericAdapter
from adapters.calls.mapping import read_calls
from adapters.calls.overlay import read_overlaid
from adapters.calls.wire_call import Call
from adapters.http.transport import Request, Transport
from adapters.rest.call import RESPONSE, read_http_call
from sidecar.documents import Document
from sidecar.model.errors import ConfigurationError
from sidecar.ports import AdapterSettings, ErpAdapter

TransportOf = Callable[[AdapterSettings], Transport]


def create(settings: AdapterSettings, transport_of: TransportOf = Transport) -> ErpAdapter:
    """The adapter for one ERP account; `transport_of`: with its own ways to log in.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """
    return adapter_of(
        settings,
        lambda _document: Dialect(RESPONSE, read_http_call, none_is_nothing=False),
        transport_of,
    )


def adapter_of(
    settings: AdapterSettings,
    dialect_of: Callable[[Document], Dialect[Call]],
    transport_of: TransportOf = Transport,
) -> ErpAdapter:
    """The adapter whose calls are written in a dialect of REST, which may look at the whole file.

    Raises ConfigurationError.
    """
    if not settings.files_of_calls:
        raise ConfigurationError("erp.calls is missing", "name the file of calls under erp.calls")
    if not settings.url:
        raise ConfigurationError("erp.url is missing", "write the ERP's address under erp.url")
    document = read_overlaid(settings.files_of_calls)
    calls = read_calls(
        document, document.path.name, dialect_of(document), settings.domains, settings.secrets
    )
    return GenericAdapter(calls, transport_of(settings), settings, Request("HEAD", "", asks=True))
