"""NetSuite by SOAP, entry point `soap.netsuite`: the generic SOAP adapter that knows SuiteTalk."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from adapters.calls.dialect import Dialect
from adapters.erps.netsuite.call import NetSuiteCall, NetSuiteCalls
from adapters.erps.netsuite.token import account_host, passport_of
from adapters.soap.call import SoapCalls
from adapters.soap.generic import adapter_of
from adapters.soap.security import wire_of
from adapters.soap.wsdl import Wsdl
from sidecar.model.errors import ConfigurationError
from sidecar.ports import AdapterSettings, ErpAdapter

OLDEST = "2023_2"
#: What every WSDL of NetSuite names, whosever account it is for; each account has its own.
_ANYBODY = "webservices.netsuite.com"
_MESSAGES = re.compile(r"urn:messages_(\d{4}_\d)\.platform\.webservices\.netsuite\.com")


def create(settings: AdapterSettings) -> ErpAdapter:
    """The adapter for one NetSuite account.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """
    passport, account, hidden = passport_of(settings.auth)

    def dialect(wsdl: Wsdl) -> Dialect[NetSuiteCall]:
        _check_version(wsdl, settings.wsdl or "")
        endpoint = settings.url or own_address(wsdl, account)
        calls = SoapCalls(wsdl, endpoint, computed={"tokenPassport": passport})
        return NetSuiteCalls(calls).dialect()

    return adapter_of(settings, wire_of(settings, {}, hidden), dialect)


def _check_version(wsdl: Wsdl, location: str) -> None:
    matches = [_MESSAGES.fullmatch(namespace or "") for namespace in wsdl.document.types.namespaces]
    versions = [match[1] for match in matches if match]
    if not versions:
        raise ConfigurationError(
            f"{location}: is not NetSuite's WSDL", "use soap.generic for another ERP"
        )
    if versions[0] < OLDEST:
        raise ConfigurationError(
            f"{location}: is of {versions[0]}, which NetSuite supports no more",
            f"name a WSDL of {OLDEST} or newer (docs/netsuite.md)",
        )


def own_address(wsdl: Wsdl, account: str) -> str:
    """The account's own address; empty where the WSDL names another than everybody's."""
    named = urlsplit(next(wsdl.addresses(), ""))
    if named.netloc != _ANYBODY:
        return ""
    return urlunsplit(named._replace(netloc=account_host(account)))
