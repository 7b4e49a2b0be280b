"""The conformance kit over the generic SOAP adapter: both styles, both versions, one by one and in
batches; and over the example of the design as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.soap import generic
from sidecar.ports import ErpAdapter
from sidecar.testing.adapter_contract import AdapterContract
from sidecar.testing.contract_calls import Erp
from sidecar.testing.contract_documents import ORDERS
from sidecar.testing.contract_domain import ContractDomain
from sidecar.testing.erpsim import WSDL

MAPPINGS = Path(__file__).parent / "mappings"
EXAMPLES = Path(__file__).parents[3] / "shared" / "examples"


class SoapContract(AdapterContract):
    """The simulator's SOAP face at one of its ports."""

    port = "Document11"
    calls = MAPPINGS / "soap-single.yaml"

    @pytest.fixture(autouse=True)
    def at_the_port(self, tmp_path: Path) -> None:
        """The file of calls, for this port."""
        self.file = tmp_path / self.calls.name
        self.file.write_text(f"port: {self.port}\n{self.calls.read_text()}")

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        endpoint = f"{url}/soap/{self.port}"
        settings = self.adapter_settings(endpoint, read_timeout, calls=self.file, wsdl=str(WSDL))
        return generic.create(settings)


class TestDocumentSoap11(SoapContract):
    """Each domain once: its calls differ in names only, and orders try each style and version."""


class TestDocumentSoap12(SoapContract):
    port = "Document12"
    domains = (ORDERS,)
    told_domains = ()


class TestRpcSoap11(SoapContract):
    port = "Rpc11"
    domains = (ORDERS,)
    told_domains = ()


class TestRpcSoap12(SoapContract):
    port = "Rpc12"
    domains = (ORDERS,)
    told_domains = ()


class TestBatches(SoapContract):
    calls = MAPPINGS / "soap-batch.yaml"
    domains = (ORDERS,)
    told_domains = ()


@pytest.mark.shared
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs ../shared/examples")
class TestExampleAsWritten(SoapContract):
    calls = EXAMPLES / "legacy-soap.yaml"
    domains = (ORDERS,)
    told_domains = ()

    @pytest.fixture(autouse=True)
    def at_the_port(self) -> None:
        self.file = self.calls

    @pytest.mark.skip(reason="the example's ERP has no drafts: it maps no status")
    def test_a_draft_is_partial_and_names_its_document(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None: ...

    @pytest.mark.parametrize("misbehaviour", ["credit_limit"])
    def test_a_refusal_has_the_code_and_words_of_the_erp(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain, misbehaviour: str
    ) -> None:
        # The example's ERP has no code for an item that it does not know.
        super().test_a_refusal_has_the_code_and_words_of_the_erp(adapter, erp, domain, misbehaviour)
