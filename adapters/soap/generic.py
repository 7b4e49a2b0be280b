"""The generic SOAP adapter, entry point `soap.generic`: its calls are operations of a WSDL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from adapters.calls.dialect import Dialect
from adapters.calls.generic import GenericAdapter
from adapters.calls.mapping import read_calls
from adapters.calls.overlay import read_overlaid
from adapters.calls.wire_call import Call
from adapters.contract.check import UNKNOWN_FIELD, check_calls
from adapters.http.transport import Request, Transport
from adapters.soap.call import SoapCall, SoapCalls
from adapters.soap.contract import WsdlDescription
from adapters.soap.documents import Documents
from adapters.soap.reply import RESPONSE
from adapters.soap.security import refuse_unwritable, seal_of, wire_of
from adapters.soap.wsdl import Wsdl
from sidecar.documents import Document
from sidecar.model.errors import ConfigurationError
from sidecar.ports import AdapterSettings, ErpAdapter


def create(settings: AdapterSettings) -> ErpAdapter:
    """The adapter for one ERP account.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """
    seal, login, hidden = seal_of(settings.auth)

    def dialect(wsdl: Wsdl) -> Dialect[SoapCall]:
        reader = SoapCalls(wsdl, settings.url, seal)
        return Dialect(RESPONSE, reader.read, reader.KEYS, reader.begin)

    return adapter_of(settings, wire_of(settings, login, hidden), dialect)


def adapter_of(
    settings: AdapterSettings, wire: AdapterSettings, dialect_of: Callable[[Wsdl], Dialect[Call]]
) -> ErpAdapter:
    """The adapter whose calls are written in a dialect of SOAP.

    `wire` is the connection as HTTP uses it (`wire_of`).  Raises ConfigurationError.
    """
    if settings.wsdl is None:
        raise ConfigurationError("erp.wsdl is missing", "write the WSDL's file or address there")
    if not settings.files_of_calls:
        raise ConfigurationError("erp.calls is missing", "name the file of calls under erp.calls")
    refuse_unwritable({f"secrets.{name}": secret for name, secret in settings.secrets.items()})
    document = read_overlaid(settings.files_of_calls)
    with closing(Documents(wire)) as documents:
        wsdl = Wsdl.load(settings.wsdl, documents)
        calls = read_calls(
            document,
            document.path.name,
            dialect_of(wsdl),
            settings.domains,
            settings.secrets,
        )
        _refuse_unknown_fields(wsdl, document, settings)
    address = settings.url or next(wsdl.addresses(), "")
    return GenericAdapter(calls, Transport(wire), settings, Request("HEAD", address, asks=True))


def _refuse_unknown_fields(wsdl: Wsdl, document: Document, settings: AdapterSettings) -> None:
    """A name that the WSDL does not have would keep back every order, one after the other.

    What else `adapter check` finds may be meant: an ERP takes more than its WSDL says, or less.
    """
    findings = check_calls(WsdlDescription(wsdl), document, document.path.name, settings.domains)
    unknown = [
        f"{finding.place}: {finding.text}" for finding in findings if finding.id == UNKNOWN_FIELD
    ]
    if unknown:
        raise ConfigurationError("\n".join(unknown), "correct the file of calls (docs/soap.md)")
