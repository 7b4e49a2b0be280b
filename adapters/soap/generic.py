"""The generic SOAP adapter, entry point `soap.generic`: its calls are operations of a WSDL."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from adapters.generic import GenericAdapter
from adapters.http.transport import Request, Transport
from adapters.mapping import Dialect, read_calls
from adapters.soap.call import SoapCalls
from adapters.soap.contract import open_contract as open_contract
from adapters.soap.documents import Documents
from adapters.soap.reply import RESPONSE
from adapters.soap.security import seal_of
from adapters.soap.wsdl import Wsdl
from sidecar.documents import read_document
from sidecar.domain.errors import ConfigurationError
from sidecar.ports import Connection, ErpAdapter


def create(connection: Connection) -> ErpAdapter:
    """The adapter for one ERP account.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """
    if connection.wsdl is None:
        raise ConfigurationError("erp.wsdl is missing", "write the WSDL's file or address there")
    if connection.calls is None:
        raise ConfigurationError("erp.calls is missing", "name the file of calls under erp.calls")
    seal, http, secrets = seal_of(connection.auth)
    hidden = {f"auth {number}": secret for number, secret in enumerate(secrets)}
    wire = replace(connection, auth=http, secrets={**connection.secrets, **hidden})
    with closing(Documents(wire)) as documents:
        wsdl = Wsdl.load(connection.wsdl, documents)
    reader = SoapCalls(wsdl, connection.url, seal)
    dialect = Dialect(RESPONSE, reader.read, reader.KEYS, reader.begin)
    document = read_document(connection.calls)
    calls = read_calls(document, connection.calls.name, dialect, connection.secrets)
    address = connection.url or next(wsdl.addresses(), "")
    return GenericAdapter(calls, Transport(wire), connection, Request("HEAD", address))
