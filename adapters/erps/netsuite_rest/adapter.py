"""The generic REST adapter that logs in as NetSuite wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.erps.netsuite_rest.assertion import ENDPOINT, certificate_login
from adapters.erps.netsuite_rest.signature import SignedCalls
from adapters.http.auth import Auth, FetchAt, auth_of
from adapters.http.transport import Transport
from adapters.rest.generic import create as create_generic
from sidecar.ports import AdapterSettings, ErpAdapter


def create(settings: AdapterSettings) -> ErpAdapter:
    """The adapter for one NetSuite account.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """

    def login(auth: Mapping[str, Any], fetch_at: FetchAt) -> Auth:
        if token := auth.get("netsuite_token"):
            return SignedCalls(token)
        if certificate := auth.get("netsuite_certificate"):
            token_url = f"{settings.url.rstrip('/')}{ENDPOINT}"
            return certificate_login(certificate, token_url, fetch_at(token_url, "erp.url"))
        return auth_of(auth, fetch_at)

    return create_generic(settings, lambda settings: Transport(settings, login))
