"""The conformance kit over the NetSuite pack."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.erps.netsuite_rest import PACK
from sidecar.domains.order_status.news import OrderStatus
from sidecar.domains.order_status.spec import SPEC as ORDER_STATUS
from sidecar.model.outcome import Accepted, Unknown
from sidecar.ports import ErpAdapter, Telling
from sidecar.testing.adapter_contract import AdapterContract
from sidecar.testing.contract_calls import Erp, probe, push_one, wait_for
from sidecar.testing.contract_documents import ORDERS, REFUNDS
from sidecar.testing.contract_domain import ContractDomain
from sidecar.testing.contract_news import ToldDomain, at
from sidecar.testing.erpsim import ErpSim, Line
from sidecar.testing.erpsim.books import Document
from sidecar.testing.fault_proxy import FaultProxy
from tests.contract.netsuite_rest_bench import ONE_CUSTOMER, overlay

_WORDS = {"PENDING FULFILLMENT": "OPEN", "PENDING APPROVAL": "DRAFT"}


def _status(count: int) -> OrderStatus:
    """NetSuite tells no moment of it that could be trusted to the hour."""
    return OrderStatus(status="PENDING FULFILLMENT", external=f"{count:09}")


def _say_status(erp: Any, adapter: ErpAdapter, row: OrderStatus) -> OrderStatus:
    external = row.external or ""
    if not erp.bookings(external):
        push_one(adapter, ORDERS.opening(external))
    [document] = erp.bookings(external)
    erp.set_state(document.number, _WORDS[row.status], None, at(int(external)))
    return msgspec.structs.replace(row, reference=document.number)


TOLD = (
    ToldDomain(
        ORDER_STATUS,
        _status,
        _say_status,
        "status",
        lambda row: msgspec.structs.replace(row, status="PENDING APPROVAL"),
    ),
)


class TestNetSuiteRest(AdapterContract):
    """With one customer for all, so that what breaks is the call itself; customers are played in
    `test_netsuite_rest`."""

    domains = (ORDERS, REFUNDS)
    told_domains = TOLD

    @pytest.fixture(autouse=True)
    def _calls(self, tmp_path: Path) -> None:
        self.calls = overlay(tmp_path, ONE_CUSTOMER)

    @classmethod
    def start_erp(cls) -> AbstractContextManager[Erp]:
        return ErpSim.start(page_size=3, interface="netsuite")

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        return PACK(self.adapter_settings(url, read_timeout, calls=self.calls))

    def sold(self, document: Document) -> Sequence[Line]:
        """The pack books discounts, shipping and charges as items of their own."""
        return [line for line in document.lines if not line.sku.startswith("MAGENTO-")]

    def test_a_draft_is_partial_and_names_its_document(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        """Here it is an order that waits for approval, and booked."""
        erp.rule("draft_on_201")

        outcome = push_one(adapter, domain.opening())

        [document] = erp.bookings(domain.ref)
        [found] = probe(adapter, domain)
        assert isinstance(outcome, Accepted), outcome
        assert outcome.booked.reference == document.number
        # Of a credit memo the status is its application to an invoice.
        assert found.status in (None, "PENDING APPROVAL")

    def test_a_probe_shows_every_document_of_a_double_booking(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        """There is none: the external id makes the second sending the same order."""
        for _ in range(2):
            outcome = push_one(adapter, domain.opening())
            [document] = erp.bookings(domain.ref)
            assert isinstance(outcome, Accepted)
            assert outcome.booked.reference == document.number
        assert len(probe(adapter, domain)) == 1

    @pytest.mark.parametrize("misbehaviour", ["schema_change", "server_error_after_booking"])
    def test_a_booking_with_an_unusable_answer_is_unknown(
        self, adapter: ErpAdapter, erp: Erp, misbehaviour: str, domain: ContractDomain
    ) -> None:
        """204 has no body that could be broken."""
        erp.rule(misbehaviour)

        assert isinstance(push_one(adapter, domain.opening()), Unknown)
        assert len(erp.bookings(domain.ref)) == 1

    @pytest.mark.parametrize("misbehaviour", ["answer_late"])
    def test_an_answer_that_takes_too_long_is_unknown_and_ends_in_time(
        self, impatient: ErpAdapter, erp: Erp, misbehaviour: str, domain: ContractDomain
    ) -> None:
        """204 has no body that could dribble."""
        erp.rule(misbehaviour, seconds=60)
        started = time.monotonic()

        outcome = push_one(impatient, domain.opening())

        assert isinstance(outcome, Unknown), outcome
        assert time.monotonic() - started < 20
        wait_for(lambda: erp.bookings(domain.ref))

    @pytest.mark.parametrize(
        ("fault", "settings", "booked"),
        [
            ("cut_request", {"bytes": 1}, 0),
            ("cut_request", {}, 0),
            ("cut_before", {}, 0),
            ("cut_before", {"reset": True}, 0),
            ("cut_after", {}, 1),
            ("cut_after", {"reset": True}, 1),
            *(("cut_answer", {"bytes": count}, 1) for count in (1, 13, 40, 90, 140, 165)),
            ("cut_answer", {}, 1),
            ("cut_answer", {"reset": True}, 1),
        ],
    )
    def test_a_call_that_breaks_after_its_first_byte_is_unknown_and_the_probe_knows(
        self,
        proxied: ErpAdapter,
        proxy: FaultProxy,
        erp: Erp,
        fault: str,
        settings: dict[str, Any],
        booked: int,
        domain: ContractDomain,
    ) -> None:
        """All that an acceptance says stands in the head: cut anywhere in it, none is believed."""
        proxy.rule(fault, times=1, **settings)

        assert isinstance(push_one(proxied, domain.opening()), Unknown)

        numbers = [document.number for document in erp.bookings(domain.ref)]
        assert len(numbers) == booked
        assert [found.reference for found in probe(proxied, domain)] == numbers

    def test_what_did_not_change_since_is_not_told(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        """By days, the day before included: SuiteQL's day begins at another hour."""
        for number in range(4):
            told.say(erp, adapter, told.row(number))
        assert isinstance(adapter, Telling)

        page = adapter.changes(told.name, at(4) + timedelta(days=2))

        assert (page.rows, page.next) == ((), None)
