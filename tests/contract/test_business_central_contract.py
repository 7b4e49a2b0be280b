"""The conformance kit over the Business Central pack."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
import pytest

from adapters.erps.dynamics_bc import PACK
from sidecar.model.outcome import Accepted
from sidecar.ports import ErpAdapter
from sidecar.testing.adapter_contract import AdapterContract
from sidecar.testing.contract_calls import Erp, push_one
from sidecar.testing.contract_domain import NUMBER, ContractDomain
from sidecar.testing.erpsim import ErpSim, Line
from sidecar.testing.erpsim.books import Document
from sidecar.testing.sample_order import SampleLine, sample_order
from tests.contract.business_central_bench import ONE_CUSTOMER, overlay


class TestBusinessCentral(AdapterContract):
    """With one customer for all, so that what breaks is the call itself."""

    @pytest.fixture(autouse=True)
    def _calls(self, tmp_path: Path) -> None:
        self.calls = overlay(tmp_path, ONE_CUSTOMER)

    @classmethod
    def start_erp(cls) -> AbstractContextManager[Erp]:
        return ErpSim.start(page_size=3, interface="business-central")

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        made = PACK(self.adapter_settings(url, read_timeout, calls=self.calls))
        # It knows its company from now on: what breaks shall be the call itself.
        made.ping()
        return made

    def item_number(self, sku: str) -> str:
        """A code: in capitals."""
        return sku.upper()

    def sold(self, document: Document) -> Sequence[Line]:
        """The pack books shipping and charges as lines of accounts."""
        lines = document.other["lines"]
        return [one for one in document.lines if lines[str(one.line_id)]["lineType"] == "Item"]

    def test_every_character_arrives(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        """In texts; the number of an item is a code of 20 characters, in capitals."""
        name = "Größe \"5\" <&> '日本' 👟 \\ ĳ"
        order = sample_order(NUMBER, [SampleLine("A", price="1")])
        [item] = order.items
        order = msgspec.structs.replace(order, items=(msgspec.structs.replace(item, name=name),))

        push_one(adapter, domain.opening(domain.made_of(order)))

        [document] = erp.bookings(domain.ref)
        assert document.other["lines"]["10000"]["description"] == name

    def test_a_draft_is_partial_and_names_its_document(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        """Here every document is a draft at first, and one that waits for approval is booked, too."""
        erp.rule("draft_on_201")

        outcome = push_one(adapter, domain.opening())

        [document] = erp.bookings(domain.ref)
        assert isinstance(outcome, Accepted), outcome
        assert (outcome.booked.reference, outcome.booked.status) == (document.number, "IN REVIEW")
