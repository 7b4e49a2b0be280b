"""The adapter: generic REST whose calls to /json/2/… travel in the envelope of JSON-RPC."""

from __future__ import annotations

from functools import partial

from adapters.calls.dialect import Dialect
from adapters.calls.section import Section
from adapters.erps.odoo_rpc.call import KEY, RpcCall, read_call
from adapters.language.scope import Scope
from adapters.rest.call import RESPONSE
from adapters.rest.generic import adapter_of
from sidecar.documents import Document
from sidecar.model.errors import ConfigurationError
from sidecar.ports import AdapterSettings, ErpAdapter


def create(settings: AdapterSettings) -> ErpAdapter:
    """The adapter for one Odoo database.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """
    if KEY not in settings.secrets:
        raise ConfigurationError(
            f"erp.secrets.{KEY} is missing: an API key of Odoo, or the user's password",
            f"write {KEY}: {{credential: odoo-key}} under erp.secrets",
        )
    return adapter_of(settings, _dialect)


def _dialect(document: Document) -> Dialect[RpcCall]:
    database = document.data.get("tables", {}).get("odoo", {}).get("database")

    def begin(top: Section, _scope: Scope) -> None:
        if not isinstance(database, str) or not database:
            at = (*top.path, "tables", "odoo", "database")
            top.source.problem(at, "write the name of Odoo's database into your file of calls")

    read = partial(read_call, database=str(database))
    return Dialect(RESPONSE, read, begin=begin, none_is_nothing=False)
