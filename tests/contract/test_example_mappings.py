"""The mappings that a user copies work as they are written."""

from __future__ import annotations

from pathlib import Path

from adapters.rest import generic
from adapters.soap import generic as soap
from sidecar.ports import ErpAdapter
from sidecar.testing.adapter_contract import AdapterContract
from sidecar.testing.contract_documents import ORDERS
from sidecar.testing.erpsim import WSDL

MAPPINGS = Path(__file__).parents[2] / "config" / "mappings"


class TestLegacyRest(AdapterContract):
    domains = (ORDERS,)

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        calls = MAPPINGS / "legacy-rest.yaml"
        return generic.create(self.adapter_settings(url, read_timeout, calls=calls))


class TestLegacyBatchRest(AdapterContract):
    domains = (ORDERS,)
    told_domains = ()

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        calls = MAPPINGS / "legacy-batch-rest.yaml"
        return generic.create(self.adapter_settings(url, read_timeout, calls=calls))


class TestLegacySoap(AdapterContract):
    domains = (ORDERS,)

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        calls = MAPPINGS / "legacy-soap.yaml"
        endpoint = f"{url}/soap/Document11"
        return soap.create(
            self.adapter_settings(endpoint, read_timeout, calls=calls, wsdl=str(WSDL))
        )
