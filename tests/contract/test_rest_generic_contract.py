"""The conformance kit over the generic REST adapter, one by one and in batches."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.rest import generic
from sidecar.ports import ErpAdapter
from sidecar.testing.adapter_contract import AdapterContract
from sidecar.testing.contract_documents import DOCUMENTS, ORDERS

MAPPINGS = Path(__file__).parent / "mappings"
EXAMPLES = Path(__file__).parents[3] / "shared" / "examples"


class TestSingleCalls(AdapterContract):
    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        calls = MAPPINGS / "single.yaml"
        return generic.create(self.adapter_settings(url, read_timeout, calls=calls))


class TestBatchCalls(AdapterContract):
    domains = DOCUMENTS
    told_domains = ()

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        calls = MAPPINGS / "batch.yaml"
        return generic.create(self.adapter_settings(url, read_timeout, calls=calls))


@pytest.mark.shared
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs ../shared/examples")
class TestExampleAsWritten(AdapterContract):
    domains = (ORDERS,)
    told_domains = ()

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        calls = EXAMPLES / "legacy-rest.yaml"
        return generic.create(self.adapter_settings(url, read_timeout, calls=calls))
