"""The generic REST adapter, entry point `rest.generic`: its calls are HTTP requests."""

from __future__ import annotations

from adapters.calls.dialect import Dialect
from adapters.calls.generic import GenericAdapter
from adapters.calls.mapping import read_calls
from adapters.calls.overlay import read_overlaid
from adapters.http.auth import auth_of
from adapters.http.transport import AuthOf, Request, Transport
from adapters.rest.call import RESPONSE, read_http_call
from sidecar.model.errors import ConfigurationError
from sidecar.ports import AdapterSettings, ErpAdapter


def create(settings: AdapterSettings, auth: AuthOf = auth_of) -> ErpAdapter:
    """The adapter for one ERP account; `auth`: its ways to log in.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """
    if not settings.files_of_calls:
        raise ConfigurationError("erp.calls is missing", "name the file of calls under erp.calls")
    if not settings.url:
        raise ConfigurationError("erp.url is missing", "write the ERP's address under erp.url")
    document = read_overlaid(settings.files_of_calls)
    dialect = Dialect(RESPONSE, read_http_call, none_is_nothing=False)
    calls = read_calls(document, document.path.name, dialect, settings.domains, settings.secrets)
    return GenericAdapter(
        calls, Transport(settings, auth), settings, Request("HEAD", "", asks=True)
    )
